"""API access, as both sides' pages do it: the tokens there are, the form to make one, and its text, shown once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django import forms
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.directory.actions import TOKEN_DAYS, TokenMade, TokenWish, make_token
from tierwise.directory.records import TokenRecord
from tierwise.directory.tokens import MAKERS, own_tokens_page
from tierwise.directory.wording import role_choices, role_word
from tierwise.kernel.audit import NotAllowed, Refused
from tierwise.kernel.clock import now
from tierwise.kernel.viewer import Role, Viewer
from tierwise.web.api.paging import Keys
from tierwise.web.api.scopes import Area, scopes_of
from tierwise.web.onward import rows_onward
from tierwise.web.pages import Page, Status, Tone, respond
from tierwise.web.viewing import DeskRequest, names_of

KEYS = Keys("tokens", (datetime, UUID))
SHOWN = 100
AREAS: dict[Area, str | Promise] = {
    Area.DIRECTORY: gettext_lazy("Directory: companies, people, items, segments"),
    Area.FACTS: gettext_lazy("Facts: tables and imports"),
    Area.SEGMENTATION: gettext_lazy("Segmentation: schemes, plans, cells"),
    Area.AGREEMENTS: gettext_lazy("Agreements"),
    Area.PUBLICATIONS: gettext_lazy("Publications"),
    Area.SCORECARDS: gettext_lazy("Scorecards and their formula"),
    Area.CASES: gettext_lazy("Cases and what is due"),
    Area.EXCHANGE: gettext_lazy("Sent decisions: channels, feeds, deliveries"),
    Area.SHEETS: gettext_lazy("Spreadsheets, together with the area of the list"),
    Area.OPERATIONS: gettext_lazy("The cycle"),
    Area.AUDIT: gettext_lazy("Audit trail"),
}


def scope_word(scope: str) -> str:
    """A scope in words: ``cases:read`` is "Cases and what is due, reading"."""
    area, _colon, access = scope.partition(":")
    return _("%(area)s, reading") % {"area": AREAS[Area(area)]} if access == "read" else (
        _("%(area)s, changing") % {"area": AREAS[Area(area)]})  # fmt: skip


class TokenForm(forms.Form):
    """What a new token is to be."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=80, help_text=gettext_lazy("Which machine or program will use it."),
    )  # fmt: skip
    role = forms.ChoiceField(label=gettext_lazy("Acts as"))
    scopes = forms.MultipleChoiceField(label=gettext_lazy("May"), widget=forms.CheckboxSelectMultiple)
    days = forms.IntegerField(
        label=gettext_lazy("Days until it ends"), min_value=1, max_value=TOKEN_DAYS, initial=90,
    )  # fmt: skip

    def __init__(self, data: object = None, *, supplier: bool) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        roles, scopes = self.fields["role"], self.fields["scopes"]
        if isinstance(roles, forms.ChoiceField):
            roles.choices = list(reversed(role_choices(supplier)))
        if isinstance(scopes, forms.MultipleChoiceField):
            scopes.choices = [(scope, scope_word(scope)) for scope in scopes_of(supplier)]


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token on a page."""

    record: TokenRecord
    maker: str
    role: str
    may: list[str]
    state: Status
    href: str

    @property
    def open(self) -> bool:
        return bool(self.href)


def _state(record: TokenRecord, moment: datetime) -> Status:
    if record.revoked_at is not None:
        return Status(_("Revoked"), Tone.PLAIN)
    if record.expires_at <= moment:
        return Status(_("Over"), Tone.PLAIN)
    return Status(_("Open"), Tone.GOOD)


def _rows(viewer: Viewer, revoke: str, found: list[TokenRecord]) -> list[TokenRow]:
    moment = now()
    names = names_of(viewer, {one.person for one in found})
    return [
        TokenRow(
            one, names.get(one.person, ""), role_word(one.role), [scope_word(scope) for scope in one.scopes],
            _state(one, moment),
            reverse(revoke, args=[one.id]) if one.revoked_at is None and one.expires_at > moment else "",
        )
        for one in found
    ]  # fmt: skip


def access_page(request: DeskRequest, page: Page, here: str, revoke: str) -> HttpResponse:
    """The page; a token asked for here is answered with its text, shown this once."""
    viewer = request.viewer
    if viewer.role not in MAKERS:
        raise NotAllowed("role", _("Only administrators let machines in."))
    form = TokenForm(request.POST if request.method == "POST" else None, supplier=viewer.is_supplier)
    made = _made(viewer, form) if request.method == "POST" else None
    if made is not None:
        form = TokenForm(supplier=viewer.is_supplier)
    found, onward = rows_onward(
        request, KEYS, partial(own_tokens_page, viewer), lambda one: (one.made_at, one.id), SHOWN
    )
    context = {
        "page": page,
        "tokens": _rows(viewer, revoke, found),
        "onward": onward,
        "form": form,
        "made": made,
        "here": reverse(here),
    }
    response = respond(request, "directory/access.html", context, status=422 if form.errors else 200)
    response["Cache-Control"] = "no-store"
    return response


def _made(viewer: Viewer, form: TokenForm) -> TokenMade | None:
    if not form.is_valid():
        return None
    given = form.cleaned_data
    wish = TokenWish(given["name"], Role(given["role"]), given["scopes"], given["days"])
    try:
        # A refusal rolls back to here, so that the page can still be shown in the same transaction.
        with transaction.atomic(using=viewer.alias):
            return make_token(viewer, wish)
    except Refused as refused:
        form.add_error(refused.parameters.get("field"), refused.message)
        return None
