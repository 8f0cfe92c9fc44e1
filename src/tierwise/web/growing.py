"""Lists in a form that grow: one row a line, its cells parted by commas. The browser makes a table of the text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django import forms
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString

Choices = Sequence[tuple[str, str | Promise]]


@dataclass(frozen=True)
class RowColumn:
    """One cell of every row. ``kind`` is text, number or date; ``choices`` are what alone may stand there."""

    label: str | Promise
    kind: str = "text"
    choices: Choices = ()

    def payload(self) -> dict[str, object]:
        found: dict[str, object] = {"label": str(self.label), "kind": self.kind}
        if self.choices:
            found["choices"] = [[code, str(label)] for code, label in self.choices]
        return found


class GrowingRows(forms.Textarea):
    """The text as it is sent. Only the last cell of a row may hold a comma."""

    def __init__(self, columns: Sequence[RowColumn], rows: int = 4) -> None:
        super().__init__({"rows": rows})
        self.columns = tuple(columns)

    def render(self, *given: object, **named: object) -> SafeString:
        columns = json.dumps([column.payload() for column in self.columns], ensure_ascii=False)
        return format_html('<tw-rows columns="{}">{}</tw-rows>', columns, super().render(*given, **named))  # type: ignore[arg-type]


def filled_rows(text: str, cells: int) -> Iterable[tuple[int, list[str]]]:
    """(line, its cells) of the lines that hold anything; a cell that is not there is empty."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            parts = [part.strip() for part in line.split(",", cells - 1)]
            yield number, parts + [""] * (cells - len(parts))
