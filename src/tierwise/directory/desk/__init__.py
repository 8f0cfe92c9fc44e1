"""Buyers' pages of the directory: what is due, suppliers, items, people, the audit trail."""

from __future__ import annotations

from django.urls import path
from django.utils.translation import gettext_lazy as _

from tierwise.directory.desk import (
    access,
    audit,
    calendars,
    condition,
    finding,
    home,
    items,
    newcomers,
    people,
    previewing,
    privacy,
    suppliers,
    supports,
)
from tierwise.kernel.viewer import Role, Side
from tierwise.web import navigation
from tierwise.web.due import add_coming_sources, add_due_sources
from tierwise.web.navigation import Place
from tierwise.web.search import add_finders
from tierwise.web.subjects import register_subject

_ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})

navigation.add_places(
    Place("desk-home", _("What is due"), "home", Side.BUYER, 0),
    Place("desk-suppliers", _("Suppliers"), "supplier", Side.BUYER, 600, _("Directory")),
    Place("desk-items", _("Items"), "stock", Side.BUYER, 610, _("Directory")),
    Place("desk-calendars", _("Calendars"), "calendar", Side.BUYER, 615, _("Directory")),
    Place("desk-people", _("People"), "people", Side.BUYER, 900, _("Administration"), _ADMINISTRATORS),
    Place("desk-access", _("API access"), "exchange", Side.BUYER, 905, _("Administration"), _ADMINISTRATORS),
    Place("desk-privacy", _("People's data"), "lock", Side.BUYER, 907, _("Administration"), _ADMINISTRATORS),
    Place("desk-audit", _("Audit trail"), "audit", Side.BUYER, 910, _("Administration"), _ADMINISTRATORS),
    Place("desk-condition", _("Condition"), "check", Side.BUYER, 920, _("Administration"), _ADMINISTRATORS),
)

add_due_sources(Side.BUYER, supports.waiting, people.review_due)
add_coming_sources(Side.BUYER, supports.ending, home.nightly_cycle)
add_finders(Side.BUYER, finding.suppliers_like, finding.items_like)
register_subject("calendar", calendars.address)
register_subject("person", people.address)
register_subject("support", suppliers.address)
register_subject("supplier", suppliers.own_address)

urlpatterns = [
    path("", home.home, name="desk-home"),
    path("suppliers/", suppliers.supplier_list, name="desk-suppliers"),
    path("suppliers/invite", newcomers.invite_new, name="desk-supplier-new"),
    path("suppliers/<uuid:supplier>/private", privacy.private_zone, name="desk-supplier-private"),
    path("suppliers/<uuid:supplier>/", suppliers.record, name="desk-supplier"),
    path("suppliers/<uuid:supplier>/supports", supports.decide, name="desk-supports"),
    path("suppliers/<uuid:supplier>/people", people.invite_to_supplier, name="desk-supplier-people"),
    path("suppliers/<uuid:supplier>/preview", previewing.begin, name="desk-preview"),
    path("preview/leave", previewing.leave, name="desk-preview-leave"),
    path("suppliers/<uuid:supplier>/<slug:tab>/", suppliers.record, name="desk-supplier-tab"),
    path("lanes/<path:lane>/policy", suppliers.lane_policy, name="desk-lane-policy"),
    path("items/", items.item_list, name="desk-items"),
    path("items/<path:code>/why", items.why, name="desk-item-why"),
    path("items/<path:code>/", items.record, name="desk-item"),
    path("calendars/", calendars.calendars, name="desk-calendars"),
    path("calendars/<path:code>/", calendars.calendar, name="desk-calendar"),
    path("people/", people.own_company, name="desk-people"),
    path("people/review", people.review, name="desk-review-people"),
    path("people/<uuid:person>/tend", people.tend, name="desk-person-tend"),
    path("privacy/", privacy.kept, name="desk-privacy"),
    path("privacy/redact", privacy.redact, name="desk-privacy-redact"),
    path("people/<uuid:person>/active", people.set_active, name="desk-person-active"),
    path("people/<uuid:person>/role", people.set_role, name="desk-person-role"),
    path("api-access/", access.tokens, name="desk-access"),
    path("api-access/<uuid:token>/revoke", access.revoke, name="desk-access-revoke"),
    path("condition/", condition.condition, name="desk-condition"),
    path("condition/now", condition.examine_now, name="desk-condition-now"),
    path("audit/", audit.trail, name="desk-audit"),
    path("audit/<uuid:entry>/", audit.entry, name="desk-audit-entry"),
]
