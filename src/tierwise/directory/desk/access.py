"""API access of the buying company's machines."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tierwise.directory.access import access_page
from tierwise.directory.actions import revoke_token
from tierwise.web.pages import Crumb, Page
from tierwise.web.viewing import DeskRequest


def tokens(request: DeskRequest) -> HttpResponse:
    page = Page(_("API access"), (Crumb(_("Administration")),))
    return access_page(request, page, "desk-access", "desk-access-revoke")


@require_POST
def revoke(request: DeskRequest, token: UUID) -> HttpResponse:
    revoke_token(request.viewer, token)
    messages.success(request, _("Revoked. Its next request is refused."))
    return redirect("desk-access")
