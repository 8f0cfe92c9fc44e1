"""Words of the directory, alike on every page and in spreadsheets."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from tierwise.directory.records import Involvement

INVOLVEMENT_WORDS: dict[Involvement, str | Promise] = {
    Involvement.ADVISORY: gettext_lazy("Advises"),
    Involvement.CO_CREATION: gettext_lazy("Creates with us"),
    Involvement.EXECUTION: gettext_lazy("Carries out"),
}
