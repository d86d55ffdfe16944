"""What is known, what happened and who changed what."""

from collections.abc import Iterator
from typing import Any

from rest_framework import serializers

from inventory.models import Change, Container, Event, Fact, Node
from inventory.serializers.fields import cluster_field, shown
from voipadmin.serializers import StrictModelSerializer, storable_json


class FactSerializer(StrictModelSerializer):
    """A value known of a cluster, or of one of its containers or nodes; typed when sent here."""

    cluster = cluster_field()
    container = serializers.PrimaryKeyRelatedField(
        queryset=Container.objects.all(), required=False, allow_null=True, default=None
    )
    node = serializers.PrimaryKeyRelatedField(
        queryset=Node.objects.filter(removed_at=None),
        required=False,
        allow_null=True,
        default=None,
    )
    value = serializers.JSONField(validators=[storable_json])

    class Meta:
        model = Fact
        fields = ("id", "cluster", "container", "node", "key", "value", "at", "origin")
        read_only_fields = ("at", "origin")

    def row_faults(self, values: dict[str, Any], faulty: set[str]) -> Iterator[tuple[str, str]]:
        """Refuse two subjects, and a subject of another cluster."""
        yield from super().row_faults(values, faulty)
        cluster = values.get("cluster")
        for name in ("container", "node"):
            subject = values.get(name)
            if cluster and subject and subject.cluster_id != cluster.pk:
                yield name, f"It is no {name} of this cluster."


class EventSerializer(serializers.ModelSerializer):
    """Something that happened."""

    cluster = shown("slug")

    class Meta:
        model = Event
        fields = ("id", "at", "cluster", "container", "node", "kind", "message", "data")


class ChangeSerializer(serializers.ModelSerializer):
    """One write of the inventory."""

    cluster = shown("slug")
    actor = serializers.CharField(source="actor_name", read_only=True)

    class Meta:
        model = Change
        fields = (
            "id",
            "at",
            "actor",
            "request_id",
            "cluster",
            "operation",
            "subject",
            "summary",
            "before",
            "after",
            "reason",
        )
