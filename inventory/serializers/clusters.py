"""Clusters."""

from collections.abc import Iterator
from typing import Any

from rest_framework import serializers

from inventory.forms.clusters import RESERVED_SLUGS
from inventory.logins import login_fault
from inventory.models import Cluster, Network
from inventory.parameters import parameter_faults
from inventory.platform_sync import effective_platform
from inventory.rules import findings
from inventory.rules.single_points import is_highly_available
from inventory.serializers.fields import (
    bastion_field,
    credential_field,
    named,
    platform_field,
    shown,
)
from inventory.snapshot import load_topology
from voipadmin.serializers import StrictModelSerializer


class ReleaseField(serializers.CharField):
    """A release by its key; the cluster's platform says whose."""

    def to_representation(self, value: Any) -> str:
        """Show the key."""
        return str(value.key)


class ClusterSerializer(StrictModelSerializer):
    """A cluster; networks are those that its containers may have addresses in."""

    platform = platform_field()
    release = ReleaseField()
    revision = shown("number")
    networks = named(Network.objects.all(), many=True, required=False)
    credential = credential_field()
    bastion = bastion_field()

    class Meta:
        model = Cluster
        fields: tuple[str, ...] = (
            "id",
            "slug",
            "name",
            "platform",
            "release",
            "revision",
            "kind",
            "state",
            "infrastructure",
            "time_zone",
            "country",
            "availability_guarantee",
            "networks",
            "credential",
            "bastion",
            "parameters",
            "is_example",
            "created_at",
        )

    def validate_slug(self, value: str) -> str:
        """Refuse keys that pages need for themselves."""
        if value in RESERVED_SLUGS:
            raise serializers.ValidationError(
                f"{value} is an address of the portal: choose another key."
            )
        return value

    def validate_parameters(self, value: Any) -> dict[str, Any]:
        """Take an object only."""
        if not isinstance(value, dict):
            raise serializers.ValidationError("Send an object of parameters.")
        return value

    def row_faults(self, values: dict[str, Any], faulty: set[str]) -> Iterator[tuple[str, str]]:
        """Check release and platform together, and that the platform stays."""
        instance = self.instance if isinstance(self.instance, Cluster) else None
        platform = values.get("platform") or (instance and instance.platform)
        if instance and platform != instance.platform:
            yield "platform", "A cluster keeps its platform."
        key = values.get("release")
        if key and platform:
            release = values["release"] = platform.releases.filter(key=key).first()
            if release is None:
                yield "release", f"{platform.name} has no release {key}."
            elif release.retired_at and not (instance and instance.release == release):
                yield "release", f"{release.name} is retired: choose another release."
        if platform and "parameters" in values:
            revision = instance.revision if instance else platform.revisions.latest()
            for fault in parameter_faults(effective_platform(revision), values["parameters"]):
                yield "parameters", fault
        credential = values.get("credential")
        if credential and not (instance and instance.credential == credential):
            user = self.context["request"].user
            if wrong := login_fault(credential, cluster=instance, user=user):
                yield "credential", wrong
        rest = {name: value for name, value in values.items() if name != "release"}
        yield from super().row_faults(rest, faulty | {"release"})


class ClusterDetailSerializer(ClusterSerializer):
    """A cluster by itself, with what takes a look at all of it."""

    highly_available = serializers.SerializerMethodField()

    class Meta(ClusterSerializer.Meta):
        fields = (*ClusterSerializer.Meta.fields, "highly_available")

    def get_highly_available(self, cluster: Cluster) -> bool:
        """Tell whether no single point of failure is left that nobody answers for (K10, R61)."""
        topology = load_topology(cluster)
        return is_highly_available(topology, findings(topology))
