"""What a refused request shows."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext

from tierwise.kernel.audit import Refused
from tierwise.web.errors import READING, came_from


def in_words(refusal: Refused) -> str:
    """What a refusal says, in the reader's language as far as its sentence stands in the catalogue."""
    return gettext(refusal.message) if refusal.message else ""


def refused_response(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """A page, or a fragment for htmx, with the refusal's own status. Machines are answered by their own door."""
    template = "web/refused_part.html" if request.headers.get("HX-Request") else "web/refused.html"
    sent = request.method not in READING
    context = {"refusal": refusal, "said": in_words(refusal), "sent": sent, "back": came_from(request) if sent else ""}
    text = render_to_string(template, context, request)
    return HttpResponse(text, status=refusal.status)
