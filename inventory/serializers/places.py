"""Locations, hypervisors, networks and windows: what belongs to no single cluster."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from inventory.models import Hypervisor, Location, MaintenanceWindow, Network
from inventory.models.containers import Container
from inventory.serializers.fields import cluster_field, location_field, shown
from voipadmin.serializers import AddressField, RangeField, StrictModelSerializer


class LocationSerializer(StrictModelSerializer):
    """A place where machines fail together."""

    class Meta:
        model = Location
        fields = ("id", "name", "is_example")


class HypervisorSerializer(StrictModelSerializer):
    """A physical host whose loss takes its containers along."""

    location = location_field()

    class Meta:
        model = Hypervisor
        fields = ("id", "name", "location", "technology", "is_example")


class NetworkSerializer(StrictModelSerializer):
    """A private or public network."""

    cidr = RangeField()
    gateway = AddressField(required=False, allow_null=True)
    location = location_field(required=False)

    class Meta:
        model = Network
        fields = ("id", "name", "kind", "cidr", "gateway", "location", "is_example")


class MaintenanceWindowSerializer(StrictModelSerializer):
    """A time in which a cluster, or one container of it, is worked on."""

    cluster = cluster_field()
    container = serializers.PrimaryKeyRelatedField(
        queryset=Container.objects.all(), required=False, allow_null=True
    )
    opened_by = shown("username")

    class Meta:
        model = MaintenanceWindow
        fields = ("id", "cluster", "container", "starts_at", "ends_at", "reason", "opened_by")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a container of another cluster."""
        row = self._row(attrs)
        container = row.container if isinstance(row, MaintenanceWindow) else None
        if container and container.cluster_id != row.cluster_id:  # type: ignore[attr-defined]
            raise ValidationError({"container": ["It is no container of this cluster."]})
        return attrs
