"""Lets those who lack a second factor that the portal asks for do nothing but set one up."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect

from voipadmin.accounts.factors import LACKING, lacks_factor
from voipadmin.problems import MEDIA_TYPE

OPEN = frozenset({"login", "logout", "healthz", "account_reauthenticate"})


class SecondFactorMiddleware:
    """Asks before a page is made; tokens are asked by `accounts.authentication`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; the address is known only later."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, named: Any
    ) -> HttpResponse | None:
        """Lead to the page of second factors who lacks one."""
        match = request.resolver_match
        name = (match.url_name if match else "") or ""
        if request.user.is_anonymous or name in OPEN or name.startswith("mfa_"):
            return None
        if not lacks_factor(request.user):
            return None
        if match and "api" in match.namespaces:
            answer = {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": LACKING}
            return JsonResponse(answer, status=403, content_type=MEDIA_TYPE)
        messages.warning(request, "This portal asks for a second factor: set one up to go on.")
        return redirect("mfa_index")
