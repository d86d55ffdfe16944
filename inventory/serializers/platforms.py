"""Platforms, releases and roles, with what the vendors' documents say."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from inventory.models import Platform, Release, Role
from inventory.serializers.fields import shown


class PlatformSerializer(serializers.ModelSerializer):
    """A vendor's product and the number of its newest revision."""

    revision = serializers.IntegerField(read_only=True, allow_null=True)

    class Meta:
        model = Platform
        fields = ("id", "key", "name", "vendor", "revision", "retired_at")


class ReleaseSerializer(serializers.ModelSerializer):
    """A release that a cluster can pin."""

    platform = shown("key")

    class Meta:
        model = Release
        fields = ("id", "platform", "key", "name", "retired_at")


class RoleSerializer(serializers.ModelSerializer):
    """A role with its sourced facts of the newest revision, local overrides laid over."""

    platform = shown("key")
    facts = serializers.SerializerMethodField()

    class Meta:
        model = Role
        fields = ("id", "platform", "key", "name", "layer", "retired_at", "facts")

    @extend_schema_field({"type": "object", "additionalProperties": {}, "nullable": True})
    def get_facts(self, role: Role) -> dict[str, Any] | None:
        """Return what the documents say; None for a role that the newest revision lacks."""
        platform = self.context["platforms"].get(role.platform_id)
        facts = next((r for r in platform.roles if r.key == role.key), None) if platform else None
        return facts.model_dump(mode="json", by_alias=True) if facts else None
