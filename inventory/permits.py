"""Who may open a page: decorators that find the cluster of what the address names.

What a user may not see is not there (404); what he sees and may not do is refused (403).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404

from inventory.access import POOL, POOLED, AnyUser, may_somewhere, view_permission, visible
from inventory.models import Cluster

View = TypeVar("View", bound=Callable[..., HttpResponseBase])
Decorator = Callable[[View], View]


def on(model: type[models.Model], *permissions: str, key: str = "pk") -> Decorator:
    """Let those in who have the permissions on the row that the address names."""

    def let_in(request: HttpRequest, **named: Any) -> None:
        seen = (view_permission(model), *permissions)
        rows = visible(model._default_manager.all(), request.user, *seen)
        row = get_object_or_404(rows, **{key: named[key]})
        request.acts_on = row  # type: ignore[attr-defined]
        if not request.user.has_perms(permissions, row):
            raise PermissionDenied

    return guarding(let_in)


def on_cluster(*permissions: str) -> Decorator:
    """Let those in who have the permissions in the cluster of the address."""
    return on(Cluster, *permissions, key="slug")


def anywhere(*permissions: str) -> Decorator:
    """Let those in who have each permission in some cluster; the page shows their rows only."""

    def let_in(request: HttpRequest, **named: Any) -> None:
        ask_somewhere(request, permissions)

    return guarding(let_in)


def ask_somewhere(request: HttpRequest, permissions: Iterable[str]) -> None:
    """Refuse who has not each of these permissions in some cluster."""
    if not all(may_somewhere(request.user, name) for name in permissions):
        raise PermissionDenied


def portal_wide(*permissions: str) -> Decorator:
    """Let those in who have the permissions everywhere."""

    def let_in(request: HttpRequest, **named: Any) -> None:
        if not request.user.has_perms(permissions):
            raise PermissionDenied

    return guarding(let_in)


def chosen_cluster(request: HttpRequest, permission: str) -> Cluster:
    """Return the cluster of ?cluster=, in which the user must have the permission."""
    rows = visible(Cluster.objects.all(), request.user, view_permission(Cluster), permission)
    cluster = get_object_or_404(rows, slug=request.GET.get("cluster", ""))
    request.acts_on = cluster  # type: ignore[attr-defined]
    if not request.user.has_perm(permission, cluster):
        raise PermissionDenied
    return cluster


def guarding(let_in: Callable[..., None]) -> Decorator:
    """Make a decorator that asks before the page is made."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **named: Any) -> HttpResponseBase:
            let_in(request, **named)
            return view(request, *args, **named)

        return cast("View", guarded)

    return decorate


def perms(request: HttpRequest) -> dict[str, Any]:
    """Let templates ask `perms.inventory.change_node`, meaning the row that the page is about."""
    return {"perms": Permissions(request)}


class Permissions:
    """What the user of a page may do to its row; without a row, to any of the kind."""

    def __init__(self, request: HttpRequest) -> None:
        self._user, self._row = request.user, getattr(request, "acts_on", None)

    def __getitem__(self, app: str) -> "AppPermissions":
        """Return an app's permissions."""
        return AppPermissions(self._user, self._row, app)

    def __iter__(self) -> Any:
        """Refuse to be iterated: templates would try every number."""
        raise TypeError("Ask for one permission.")

    def __contains__(self, permission: str) -> bool:
        """Tell whether the user has a permission, written like inventory.view_node."""
        app, _, name = permission.partition(".")
        return self[app][name]


@dataclass(frozen=True)
class AppPermissions:
    """What the user of a page may do, in the words of one app."""

    user: AnyUser
    row: Any
    app: str

    def __getitem__(self, name: str) -> bool:
        """Tell whether the user has a permission."""
        permission = f"{self.app}.{name}"
        if self.row is not None:
            return self.user.has_perm(permission, self.row)
        verb, _, model = name.partition("_")
        if verb == "view":
            return may_somewhere(self.user, permission)
        return self.user.has_perm(permission, POOL if model in POOLED else None)
