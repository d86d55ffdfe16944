"""Who may open a page of runs: by the cluster that the address names, or that its run is of."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest

from inventory.access import view_permission, visible
from inventory.models import Cluster
from inventory.permits import Decorator, ask_somewhere, guarding
from provisioning.models import Run, Step


def on_run(*permissions: str) -> Decorator:
    """Let those in who have the permissions on the cluster, run or step of the address."""

    def let_in(request: HttpRequest, slug: str = "", **named: Any) -> None:
        if not slug and not named:  # A page about no run: it shows what all share.
            ask_somewhere(request, permissions)
            return
        row = _row(request, Cluster, permissions, slug=slug) if slug else None
        for model in () if slug else (Run, Step):
            row = row or _row(request, model, permissions, pk=named["pk"])
        if row is None:
            raise Http404
        request.acts_on = row  # type: ignore[attr-defined]
        if not request.user.has_perms(permissions, row):
            raise PermissionDenied

    return guarding(let_in)


def _row(
    request: HttpRequest, model: type[models.Model], permissions: tuple[str, ...], **named: Any
) -> Any:
    """Return the row that an address names, if the user may see it."""
    seen = (view_permission(model), *permissions)
    return visible(model._default_manager.all(), request.user, *seen).filter(**named).first()
