"""The one page beside sign-in that strangers may read: does the portal work?"""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from voipadmin import vitals
from voipadmin.vitals import Vital

AWAY = "database does not answer"
FAILING = 503


@require_safe
@never_cache
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 and `ok` while the portal works, else 503 and why; then the numbers.

    Lines of a name and a number, or JSON for `?format=json` and who asks for it.
    """
    try:
        found = vitals.read()
    except DatabaseError:
        return _answer(request, AWAY, [])
    return _answer(request, vitals.verdict(found), found)


def _answer(request: HttpRequest, verdict: str, found: list[Vital]) -> HttpResponse:
    """Write it as was asked for."""
    status = 200 if verdict == "ok" else FAILING
    if _wants_json(request):
        numbers: dict[str, Any] = {vital.name: vital.value for vital in found}
        return JsonResponse({"status": verdict} | numbers, status=status)
    lines = [verdict, *(f"{vital.name} {vital.shown}" for vital in found)]
    return HttpResponse("\n".join(lines) + "\n", status=status, content_type="text/plain")


def _wants_json(request: HttpRequest) -> bool:
    """Tell whether JSON was asked for, by name or before plain text."""
    wanted = request.GET.get("format") or request.headers.get("Accept", "")
    return wanted == "json" or wanted.startswith("application/json")
