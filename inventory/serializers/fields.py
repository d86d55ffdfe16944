"""Fields that name rows by what people call them."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from inventory.access import visible
from inventory.models import Bastion, Cluster, Credential, Hypervisor, Location, Network, Platform

# Logins and places are named by what one sees; a login's use is judged by `login_fault`.
HIDDEN = (Cluster, Network)


class NamedField(serializers.SlugRelatedField):
    """A row by its unique name; what is no text, or not to be seen, names nothing."""

    def get_queryset(self) -> Any:
        """Leave out clusters and networks that the user does not see."""
        rows: Any = super().get_queryset()
        return visible(rows, self.context["request"].user) if rows.model in HIDDEN else rows

    def to_internal_value(self, data: Any) -> Any:
        """Look the row up."""
        if not isinstance(data, str) or "\x00" in data:
            self.fail("invalid")
        return super().to_internal_value(data)


def named(queryset: QuerySet, key: str = "name", **options: Any) -> NamedField:
    """Make a field that shows and takes a row's unique name."""
    if not options.get("required", True):
        options.setdefault("allow_null", True)
    return NamedField(slug_field=key, queryset=queryset, **options)


def shown(key: str = "name", **options: Any) -> serializers.SlugRelatedField:
    """Make a field that shows a row's name and takes nothing."""
    return serializers.SlugRelatedField(slug_field=key, read_only=True, **options)


def cluster_field(**options: Any) -> NamedField:
    """Make a field that names a cluster by its slug."""
    return named(Cluster.objects.all(), "slug", **options)


def location_field(**options: Any) -> NamedField:
    """Make a field that names a location."""
    return named(Location.objects.all(), **options)


def hypervisor_field() -> NamedField:
    """Make a field that names a hypervisor, or none."""
    return named(Hypervisor.objects.all(), required=False)


def network_field(**options: Any) -> NamedField:
    """Make a field that names a network."""
    return named(Network.objects.all(), **options)


def credential_field(**options: Any) -> NamedField:
    """Make a field that names a login, or none."""
    return named(Credential.objects.all(), **{"required": False, **options})


def bastion_field() -> NamedField:
    """Make a field that names a bastion, or none."""
    return named(Bastion.objects.all(), required=False)


def platform_field() -> NamedField:
    """Make a field that names a platform in use by its key."""
    return named(Platform.objects.filter(retired_at=None), "key")
