"""Spreadsheets in the supplier's portal."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from tierwise.doors.pages import Pages
from tierwise.kernel.viewer import SUPPLIER_EDITORS, Side
from tierwise.web.navigation import Place, add_places

add_places(Place("portal-sheets", gettext_lazy("Spreadsheets"), "document", Side.SUPPLIER, 60, roles=SUPPLIER_EDITORS))

urlpatterns = Pages("portal").urls()
