"""Platforms, releases and roles; they come from files, the API shows them."""

from typing import Any

import django_filters
from django.db.models import Max
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.api.base import ReadOnlyViewSet
from inventory.models import Platform, PlatformRevision, Release, Role
from inventory.platform_sync import effective_platform
from inventory.platforms.schema import Platform as PlatformData
from inventory.serializers.platforms import (
    PlatformSerializer,
    ReleaseSerializer,
    RoleSerializer,
)


class PlatformPartFilter(django_filters.FilterSet):
    """Choose by the platform's key, and in use or retired."""

    platform = django_filters.CharFilter("platform__key", label="Key of the platform.")
    key = django_filters.CharFilter()
    retired = django_filters.BooleanFilter("retired_at", lookup_expr="isnull", exclude=True)


class RoleFilter(PlatformPartFilter):
    """Choose by layer too."""

    layer = django_filters.CharFilter()


class PlatformFilter(django_filters.FilterSet):
    """Choose by vendor, and in use or retired."""

    vendor = django_filters.CharFilter()
    retired = django_filters.BooleanFilter("retired_at", lookup_expr="isnull", exclude=True)


class PlatformViewSet(ReadOnlyViewSet):
    """The vendors' products."""

    queryset = Platform.objects.annotate(revision=Max("revisions__number")).order_by("key")
    serializer_class = PlatformSerializer
    filterset_class = PlatformFilter
    ordering_fields = ("key", "name", "vendor")
    lookup_field = "key"
    verbs = {"content": "view"}

    @extend_schema(responses={200: {"type": "object", "additionalProperties": {}}})
    @action(detail=True, filterset_class=None)
    def content(self, request: Request, key: str) -> Response:
        """Return all that the vendor's documents say, each fact with its source."""
        platform = self.get_object()
        data = effective_platform(platform.revisions.latest())
        return Response(data.model_dump(mode="json", by_alias=True))


class ReleaseViewSet(ReadOnlyViewSet):
    """Releases that clusters pin."""

    queryset = Release.objects.select_related("platform")
    serializer_class = ReleaseSerializer
    filterset_class = PlatformPartFilter
    ordering_fields = ("key", "name")


class RoleViewSet(ReadOnlyViewSet):
    """Roles with their facts."""

    queryset = Role.objects.select_related("platform")
    serializer_class = RoleSerializer
    filterset_class = RoleFilter
    ordering_fields = ("key", "name", "layer")

    def get_serializer_context(self) -> dict[str, Any]:
        """Add the platforms that the facts come from."""
        return {**super().get_serializer_context(), "platforms": _newest()}


def _newest() -> dict[int, PlatformData]:
    """Return every platform as its newest revision has it, by the platform's pk."""
    revisions = PlatformRevision.objects.order_by("platform_id", "-number").distinct("platform_id")
    return {
        revision.platform_id: effective_platform(revision)
        for revision in revisions.select_related("platform")
    }
