"""Words of the directory, alike on every page and in spreadsheets."""

from __future__ import annotations

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from tierwise.directory.records import CompanyKind, Involvement
from tierwise.kernel.viewer import BUYER_ROLES, SUPPLIER_ROLES, Role

INVOLVEMENT_WORDS: dict[Involvement, str | Promise] = {
    Involvement.ADVISORY: gettext_lazy("Advises"),
    Involvement.CO_CREATION: gettext_lazy("Creates with us"),
    Involvement.EXECUTION: gettext_lazy("Carries out"),
}
ROLE_WORDS: dict[Role, str | Promise] = {
    Role.ADMINISTRATOR: gettext_lazy("Administrator"),
    Role.PLANNER: gettext_lazy("Planner"),
    Role.CATEGORY_MANAGER: gettext_lazy("Category manager"),
    Role.QUALITY: gettext_lazy("Quality"),
    Role.VIEWER: gettext_lazy("Viewer"),
    Role.SUPPLIER_ADMINISTRATOR: gettext_lazy("Administrator"),
    Role.SUPPLIER_PLANNER: gettext_lazy("Planner"),
    Role.SUPPLIER_VIEWER: gettext_lazy("Viewer"),
}
_ORDER = list(ROLE_WORDS)


_KINDS = {
    CompanyKind.MANUFACTURER: gettext_lazy("Manufacturer"),
    CompanyKind.DISTRIBUTOR: gettext_lazy("Distributor"),
    CompanyKind.CONTRACT_MANUFACTURER: gettext_lazy("Contract manufacturer"),
    CompanyKind.SERVICE: gettext_lazy("Service provider"),
}


def kind_word(kind: str) -> str:
    return str(_KINDS[CompanyKind(kind)])


def role_word(role: str) -> str:
    return str(ROLE_WORDS.get(Role(role), role))


def role_choices(supplier: bool) -> list[tuple[str, str]]:
    """Roles of one side, the most powerful first."""
    of_side = SUPPLIER_ROLES if supplier else BUYER_ROLES
    return [(role.value, str(ROLE_WORDS[role])) for role in _ORDER if role in of_side]


def language_for(chosen: str, *, supplier: bool) -> str:
    """The language of what is sent to somebody; pages follow his browser too. The buyer's side is English alone."""
    return (chosen if supplier else "") or settings.LANGUAGE_CODE
