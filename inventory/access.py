"""Who may do what where: levels granted per cluster, beside Django's own permissions.

A permission that Django gives directly, or a grant for all clusters, holds everywhere; a grant for
a cluster holds for the rows of that cluster. What has no cluster is told apart by `POOLED`.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Q

from inventory.access_levels import EVERYWHERE, IN_A_CLUSTER, AccessLevel
from inventory.models import Cluster, Container, Grant

AnyUser = User | AnonymousUser
Rows = TypeVar("Rows", bound="models.QuerySet[Any]")
# Machines and networks of no cluster are there for everybody with the level somewhere. Anything
# else without a cluster (a login for all of them, a change of what they share) is portal-wide.
POOLED = frozenset({"container", "network", "address", "disk", "hoststate"})
# Rows without a cluster column: how one gets there. None: the row is shared by all clusters.
_PATHS = {
    "cluster": "pk",
    "network": "clusters",
    "placement": "node__cluster",
    "roleassignment": "node__cluster",
    "address": "container__cluster",
    "disk": "container__cluster",
}


class ClusterBackend(ModelBackend):
    """Django's permissions, and beside them the levels granted per cluster."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return what holds everywhere and, asked about a row, what holds in its clusters."""
        if not user_obj.is_active or user_obj.is_anonymous:
            return set()
        held = set(super().get_all_permissions(user_obj))
        for level in levels(user_obj).get(None, ()):
            held |= EVERYWHERE[level]
        return held if obj is None else held | _in_clusters_of(user_obj, obj)


def levels(user: AnyUser) -> dict[int | None, set[AccessLevel]]:
    """Return a user's levels by cluster, None for all clusters; asked once per request."""
    if user.is_anonymous or not user.is_active:
        return {}
    if "_cluster_levels" not in vars(user):
        found: dict[int | None, set[AccessLevel]] = {}
        for cluster, level in Grant.objects.held_by(user).values_list("cluster_id", "level"):
            found.setdefault(cluster, set()).add(AccessLevel(level))
        vars(user)["_cluster_levels"] = found
    return dict(vars(user)["_cluster_levels"])


def granted_clusters(user: AnyUser, permission: str) -> set[int]:
    """Return the clusters in which a grant of their own gives a permission."""
    return {
        cluster
        for cluster, held in levels(user).items()
        if cluster is not None and any(permission in IN_A_CLUSTER[level] for level in held)
    }


def may_somewhere(user: AnyUser, permission: str) -> bool:
    """Tell whether there is any cluster in which a user has a permission."""
    return user.has_perm(permission) or bool(granted_clusters(user, permission))


def visible(rows: Rows, user: AnyUser, *permissions: str) -> Rows:
    """Keep the rows that a user may see, or those on which he has one of the permissions."""
    asked = permissions or (view_permission(rows.model),)
    if any(user.has_perm(permission) for permission in asked):
        return rows
    clusters = {pk for permission in asked for pk in granted_clusters(user, permission)}
    path = cluster_path(rows.model)
    if not clusters or path is None:
        return rows if clusters else rows.none()
    condition = Q(**{f"{path}__in": clusters})
    if _name(rows.model) in POOLED:
        condition |= Q(**{path: None})
    # Apart, lest a join to many clusters doubles rows or what is counted of them.
    return rows.filter(pk__in=rows.model._default_manager.filter(condition).values("pk"))


def permit(actor: User | None, permission: str | Iterable[str], row: Any) -> None:
    """Refuse who has none of these permissions on a row; None is the portal itself."""
    asked = (permission,) if isinstance(permission, str) else tuple(permission)
    if actor is None or any(actor.has_perm(name, row) for name in asked):
        return
    raise PermissionDenied(f"This takes the permission {' or '.join(asked)}.")


def view_permission(model: type[models.Model]) -> str:
    """Return the permission that lets one see rows of a model."""
    named = f"{model._meta.app_label}.view_{model._meta.model_name}"
    return str(getattr(model, "seen_with", named))


def cluster_path(model: type[models.Model]) -> str | None:
    """Return the lookup from a model's rows to their cluster; None where all clusters share."""
    known = getattr(model, "cluster_path", None) or _PATHS.get(_name(model))
    columns = {field.name for field in model._meta.fields}
    return known or ("cluster" if "cluster" in columns else None)


def clusters_of(row: Any) -> set[int | None]:
    """Return the clusters that a row belongs to; None among them for no cluster."""
    if isinstance(row, Cluster):
        return {row.pk}
    path = cluster_path(type(row))
    if path is None:
        return set()
    *way, last = path.split("__")
    for name in way:
        row = getattr(row, name)
    if hasattr(type(row), f"{last}_id"):
        return {getattr(row, f"{last}_id")}
    return set(getattr(row, last).values_list("pk", flat=True) if row.pk else ()) or {None}


def _in_clusters_of(user: AnyUser, row: Any) -> set[str]:
    """Return what grants give on a row: to look, in one of its clusters; to write, in all."""
    clusters = clusters_of(row)
    if not clusters:
        return {name for name in _somewhere(user) if _is_look(name)}
    held = [_held(user, cluster, type(row)) for cluster in clusters]
    looks = {name for names in held for name in names if _is_look(name)}
    return looks | set.intersection(*held)


def _held(user: AnyUser, cluster: int | None, model: type[models.Model]) -> set[str]:
    """Return what grants give in one cluster, or on a row of none."""
    if cluster is None:
        return _somewhere(user) if _name(model) in POOLED else set()
    return {name for level in levels(user).get(cluster, ()) for name in IN_A_CLUSTER[level]}


def _somewhere(user: AnyUser) -> set[str]:
    """Return what grants give in any cluster."""
    return {
        name
        for cluster, held in levels(user).items()
        if cluster is not None
        for level in held
        for name in IN_A_CLUSTER[level]
    }


def _is_look(permission: str) -> bool:
    """Tell whether a permission is only for looking."""
    return permission.partition(".")[2].startswith("view_")


def _name(model: type[models.Model]) -> str:
    """Return a model's name."""
    return str(model._meta.model_name)


# Stands for the free pool where a row is asked for.
POOL = Container()
