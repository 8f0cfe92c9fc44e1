"""Looking at the portal through a supplier's eyes: in, and out again."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tierwise.directory.actions import end_preview, preview_supplier
from tierwise.directory.viewers import begin_preview, leave_preview
from tierwise.kernel.audit import Invalid
from tierwise.kernel.viewer import Role
from tierwise.web.viewing import DeskRequest


@require_POST
def begin(request: DeskRequest, supplier: UUID) -> HttpResponse:
    try:
        role = Role(request.POST.get("role", ""))
    except ValueError:
        raise Invalid("role", _("Choose a role."), field="role") from None
    preview_supplier(request.viewer, supplier, role)
    begin_preview(request, supplier, role)
    return redirect("portal-home")


@require_POST
def leave(request: DeskRequest) -> HttpResponse:
    supplier = leave_preview(request)
    if supplier is None:
        return redirect("desk-home")
    end_preview(request.viewer, supplier)
    messages.success(request, _("You are back at your desk."))
    return redirect("desk-supplier", supplier)
