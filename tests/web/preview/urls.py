from __future__ import annotations

from collections.abc import Callable

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path

from tierwise.web import errors
from tierwise.web.pages import Page, respond
from web.preview import content

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error

PLACES = [
    ("", [("worklist", "What is due", "home", 7), ("messages", "Messages", "message", 0)]),
    (
        "Plan",
        [("grid", "Shared demand", "forecast", 0), ("big", "Open orders", "orders", 0), ("lab", "Scenarios", "lab", 0)],
    ),
    ("Measure", [("heatmap", "Scorecards", "score", 0), ("charts", "Causes and trends", "capacity", 0)]),
    (
        "Agree",
        [
            ("record", "Agreements", "contract", 0),
            ("studio", "Segment scheme", "segment", 0),
            ("form", "Assessments", "review", 2),
        ],
    ),
    (
        "Watch",
        [("map", "Sites and lanes", "map", 0), ("board", "Initiatives", "change", 0), ("empty", "Cases", "case", 0)],
    ),
]


def content_security_policy(respond: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = respond(request)
        response["Content-Security-Policy"] = (
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
        )
        return response

    return middleware


def shell(request: HttpRequest) -> dict[str, object]:
    side, _, here = request.path.strip("/").partition("/")
    groups = [
        {
            "label": label,
            "items": [
                {"label": text, "href": f"/{side}/{key}", "icon": icon, "active": key == here, "count": count}
                for key, text, icon, count in items
            ],
        }
        for label, items in PLACES
    ]
    if side == "portal":
        names = {
            "viewer_name": "Marta Kowalczyk",
            "viewer_company": "Kowal Castings sp. z o.o.",
            "viewer_role": "Key account",
        }
    else:
        names = {
            "viewer_name": "Ines Alvarado",
            "viewer_company": "Northwind Bicycles SE",
            "viewer_role": "Segment planner",
        }
    viewer = {"side": "supplier" if side == "portal" else "buyer"}
    return {"navigation": groups if side in {"desk", "portal"} else [], "viewer": viewer, **names}


class Assessment(forms.Form):
    certified = forms.ChoiceField(
        label="Is the site certified to ISO 9001?",
        choices=[("y", "Yes"), ("n", "No"), ("p", "In progress")],
        widget=forms.RadioSelect,
        help_text="The certificate is asked for on the next screen.",
    )
    capacity = forms.DecimalField(label="Weekly capacity in pieces", help_text="One shift, five days.")
    note = forms.CharField(label="What should your customer know?", widget=forms.Textarea, required=False)
    agreed = forms.BooleanField(label="I may answer for my company")


def page(request: HttpRequest, side: str, key: str) -> HttpResponse:
    make = content.PAGES.get(key)
    if make is None:
        raise Http404
    if key == "form":
        form = Assessment(request.POST or None)
        context = {
            "page": content.head("Site assessment 2026", "Assessments"),
            "form": form,
            "step": (3, 8),
            "submit": "Send answers",
            "cancel_href": "?",
        }
        return respond(request, "web/form.html", context)
    template, context = make(request)
    return respond(request, template, context)


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("on purpose")


def explained(request: HttpRequest) -> HttpResponse:
    return respond(request, *content.explanation(request))


def consequence(request: HttpRequest) -> HttpResponse:
    return respond(request, "web/consequence.html", content.PAGES["studio"](request)[1])


def posted(request: HttpRequest) -> HttpResponse:
    text = "; ".join(f"{key}={value}" for key, value in request.POST.items() if key != "csrfmiddlewaretoken")
    return respond(request, "web/base.html", {"page": Page("Posted", lead=text)})


urlpatterns = [
    path("explain/on-time", explained),
    path("consequence", consequence),
    path("posted", posted),
    path("broken", broken),
    path("accounts/", include("allauth.urls")),
    path("<str:side>/<str:key>", page),
]
