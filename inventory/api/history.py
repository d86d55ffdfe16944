"""Facts, events and changes."""

from typing import Any

import django_filters
from django.db import transaction
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.api.base import ClusterPartFilter, ReadOnlyViewSet
from inventory.models import Change, Event, Fact
from inventory.serializers.history import ChangeSerializer, EventSerializer, FactSerializer
from inventory.services import type_fact
from inventory.states import Origin


class SubjectFilter(ClusterPartFilter):
    """Choose by container and node."""

    container = django_filters.NumberFilter("container")
    node = django_filters.NumberFilter("node")


class FactFilter(SubjectFilter):
    """Choose by key and origin."""

    key = django_filters.CharFilter()
    origin = django_filters.ChoiceFilter(choices=Origin.choices)


class EventFilter(SubjectFilter):
    """Choose by kind and time."""

    kind = django_filters.CharFilter()
    after = django_filters.IsoDateTimeFilter("at", lookup_expr="gt")
    before = django_filters.IsoDateTimeFilter("at", lookup_expr="lt")


class ChangeFilter(ClusterPartFilter):
    """Choose by who, what and when."""

    actor = django_filters.CharFilter("actor_name", label="Name of the user.")
    operation = django_filters.CharFilter()
    subject = django_filters.CharFilter()
    request_id = django_filters.CharFilter()
    after = django_filters.IsoDateTimeFilter("at", lookup_expr="gt")
    before = django_filters.IsoDateTimeFilter("at", lookup_expr="lt")


class FactViewSet(mixins.CreateModelMixin, ReadOnlyViewSet):
    """What is known; a value that is sent is typed, and takes the place of the typed one before."""

    queryset = Fact.objects.select_related("cluster", "container", "node")
    serializer_class = FactSerializer
    filterset_class = FactFilter
    ordering_fields = ("key", "at")

    @transaction.atomic
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Type a value in."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        fact = type_fact(actor=self.actor, **serializer.validated_data)
        return Response(self.get_serializer(fact).data, status=201)


class EventViewSet(ReadOnlyViewSet):
    """What happened, newest first."""

    queryset = Event.objects.select_related("cluster")
    serializer_class = EventSerializer
    filterset_class = EventFilter
    ordering_fields = ("at",)


class ChangeViewSet(ReadOnlyViewSet):
    """Who changed what, newest first."""

    queryset = Change.objects.select_related("cluster")
    serializer_class = ChangeSerializer
    filterset_class = ChangeFilter
    ordering_fields = ("at",)
