"""Locations, hypervisors, networks and maintenance windows."""

from typing import Any

import django_filters

from inventory.api.base import ClusterPartFilter, RowViewSet
from inventory.models import Hypervisor, Location, MaintenanceWindow, Network
from inventory.serializers.places import (
    HypervisorSerializer,
    LocationSerializer,
    MaintenanceWindowSerializer,
    NetworkSerializer,
)
from inventory.services import save_network
from inventory.states import NetworkKind


class NameFilter(django_filters.FilterSet):
    """Choose by name."""

    name = django_filters.CharFilter()


class PlacedFilter(NameFilter):
    """Choose by location."""

    location = django_filters.CharFilter("location__name", label="Name of the location.")


class NetworkFilter(PlacedFilter):
    """Choose by kind and by the cluster that uses it."""

    kind = django_filters.ChoiceFilter(choices=NetworkKind.choices)
    cluster = django_filters.CharFilter("clusters__slug", label="Slug of a cluster.")


class WindowFilter(ClusterPartFilter):
    """Choose by container and time."""

    container = django_filters.NumberFilter("container")
    ends_after = django_filters.IsoDateTimeFilter("ends_at", lookup_expr="gt")
    starts_before = django_filters.IsoDateTimeFilter("starts_at", lookup_expr="lt")


class LocationViewSet(RowViewSet):
    """Places where machines fail together."""

    queryset = Location.objects.all()
    serializer_class = LocationSerializer
    filterset_class = NameFilter
    ordering_fields = ("name",)


class HypervisorViewSet(RowViewSet):
    """Physical hosts."""

    queryset = Hypervisor.objects.select_related("location")
    serializer_class = HypervisorSerializer
    filterset_class = PlacedFilter
    ordering_fields = ("name",)


class NetworkViewSet(RowViewSet):
    """Private and public networks."""

    queryset = Network.objects.select_related("location")
    serializer_class = NetworkSerializer
    filterset_class = NetworkFilter
    ordering_fields = ("name", "kind")

    def add(self, serializer: Any) -> Network:
        """Write a new network."""
        return save_network(Network(**serializer.validated_data), actor=self.actor)

    def change(self, serializer: Any) -> Network:
        """Write a network; the clusters that use it are checked."""
        for name, value in serializer.validated_data.items():
            setattr(serializer.instance, name, value)
        return save_network(serializer.instance, actor=self.actor)


class MaintenanceWindowViewSet(RowViewSet):
    """Times in which alerts are held."""

    queryset = MaintenanceWindow.objects.select_related("cluster", "container", "opened_by")
    serializer_class = MaintenanceWindowSerializer
    filterset_class = WindowFilter
    ordering_fields = ("starts_at", "ends_at")

    def add(self, serializer: Any) -> Any:
        """Write a window of the sender's."""
        serializer.validated_data["opened_by"] = self.actor
        return super().add(serializer)
