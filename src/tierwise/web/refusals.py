"""What a refused request shows."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from tierwise.kernel.audit import Refused


def refused_response(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """A page, a fragment for htmx, or problem details for a machine, with the refusal's own status."""
    if request.path.startswith("/api/"):
        problem = {"type": f"urn:tierwise:{refusal.code}", "title": refusal.message, "status": refusal.status}
        return JsonResponse(problem, status=refusal.status, content_type="application/problem+json")
    template = "web/refused_part.html" if request.headers.get("HX-Request") else "web/refused.html"
    text = render_to_string(template, {"refusal": refusal}, request)
    return HttpResponse(text, status=refusal.status)
