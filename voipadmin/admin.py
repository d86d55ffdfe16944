"""The admin's name, and its sign-in: the same as that of the pages."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse


def sign_in(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """Lead strangers to the portal's sign-in; who is no staff gets 403, not a second form."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next", reverse("admin:index")))


sign_in.login_required = False  # type: ignore[attr-defined]
admin.site.site_header = admin.site.site_title = "voipadmin"
admin.site.index_title = "Inventory, runs and users"
admin.site.login = sign_in  # type: ignore[method-assign]
