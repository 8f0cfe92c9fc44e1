"""Invented but plausible content of every archetype."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest

from web.preview.cast import Made, head
from web.preview.documents import lab, record, studio
from web.preview.lists import board, empty, explanation, messages, worklist
from web.preview.pictures import charts, heatmap, map_page
from web.preview.tables import big, plan

__all__ = ["PAGES", "explanation", "head"]

PAGES: dict[str, Callable[[HttpRequest], Made]] = {
    "worklist": worklist,
    "record": record,
    "grid": plan,
    "big": big,
    "heatmap": heatmap,
    "charts": charts,
    "studio": studio,
    "messages": messages,
    "map": map_page,
    "board": board,
    "lab": lab,
    "empty": empty,
    "form": empty,
}
