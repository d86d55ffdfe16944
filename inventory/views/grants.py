"""Pages of who may do what in a cluster."""

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from inventory.access import visible
from inventory.forms.grants import GrantForm
from inventory.grants import give_level, take_level
from inventory.models import Grant
from inventory.permits import on_cluster
from inventory.views.clusters import cluster_of
from inventory.views.writing import Attempt, actor, request_id


@require_http_methods(["GET", "HEAD", "POST"])
@on_cluster("inventory.view_grant", "inventory.add_grant")
def grant_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show who may do what in a cluster, and let somebody in."""
    cluster = cluster_of(slug)
    form = GrantForm(request.POST or None)
    attempt = Attempt(request, form, None)
    is_valid = request.method == "POST" and form.is_valid()
    if is_valid and (
        grant := attempt.write(
            lambda: give_level(
                cluster=cluster,
                actor=actor(request),
                request_id=request_id(request),
                **form.cleaned_data,
            )
        )
    ):
        messages.success(request, f"{grant.holder} is {grant.get_level_display().lower()} now.")
        return redirect("inventory:grant-list", slug=slug)
    rows = Grant.objects.filter(Q(cluster=cluster) | Q(cluster=None))
    context = {
        "cluster": cluster,
        "form": form,
        "grants": rows.select_related("user", "group", "cluster"),
    }
    return render(request, "inventory/grant_list.html", context, status=attempt.status)


@require_POST
@on_cluster("inventory.delete_grant")
def grant_take(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take a level in this cluster back."""
    grants = visible(Grant.objects.all(), request.user).select_related("cluster", "user", "group")
    grant = get_object_or_404(grants, cluster__slug=slug, pk=pk)
    level, holder = grant.get_level_display().lower(), grant.holder
    take_level(grant=grant, actor=actor(request), request_id=request_id(request))
    messages.success(request, f"{holder} is no {level} of this cluster any more.")
    return redirect("inventory:grant-list", slug=slug)
