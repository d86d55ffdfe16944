"""Who may do what in which cluster."""

from typing import Any

import django_filters
from django.db import transaction
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.access_levels import AccessLevel
from inventory.api.base import ClusterPartFilter, ReadOnlyViewSet
from inventory.grants import give_level, take_level
from inventory.models import Grant
from inventory.serializers.grants import GrantSerializer


class GrantFilter(ClusterPartFilter):
    """Choose by holder and level."""

    user = django_filters.CharFilter("user__username", label="Name of the user.")
    group = django_filters.CharFilter("group__name", label="Name of the group.")
    level = django_filters.ChoiceFilter(choices=AccessLevel.choices)


class GrantViewSet(mixins.CreateModelMixin, mixins.DestroyModelMixin, ReadOnlyViewSet):
    """Levels of access; POST gives one, DELETE takes it back."""

    queryset = Grant.objects.select_related("user", "group", "cluster")
    serializer_class = GrantSerializer
    filterset_class = GrantFilter
    ordering_fields = ("granted_at", "level")

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give a level; without a cluster, in all of them."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        grant = give_level(
            **{"cluster": None, **serializer.validated_data},
            actor=self.actor,
            request_id=request.headers.get("X-Request-ID", "")[:64],
        )
        return Response(self.get_serializer(grant).data, status=201)

    @transaction.atomic
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take a level back."""
        take_level(
            grant=self.get_object(),
            actor=self.actor,
            request_id=request.headers.get("X-Request-ID", "")[:64],
        )
        return Response(status=204)
