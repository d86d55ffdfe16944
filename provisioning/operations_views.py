"""The operations page: how the portal's own processes are."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from provisioning.operations import operations

MAY_SEE = "provisioning.view_operations"


@require_safe
@never_cache
@permission_required(MAY_SEE, raise_exception=True)
def operations_page(request: HttpRequest) -> HttpResponse:
    """Show the queue, workers, runs, locks, schedules and the database; htmx gets it anew."""
    fragment = request.htmx  # type: ignore[attr-defined]
    name = "_operations" if fragment else "operations"
    return render(request, f"provisioning/{name}.html", operations())
