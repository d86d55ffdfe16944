"""What the inventory's viewsets share: who acts, one transaction per write, names in filters."""

from typing import Any, cast

import django_filters
from django.contrib.auth.models import User
from django.db import transaction
from django.http import Http404
from rest_framework import mixins, viewsets
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from inventory.access import visible
from inventory.history import lock_clusters
from inventory.models import Cluster
from inventory.operations import Operation, Result, perform
from inventory.services import delete_row, save_row
from voipadmin.api import ModelPermissions


class InventoryViewSet(viewsets.GenericViewSet):
    """A viewset behind Django's permissions that performs operations as its user."""

    permission_classes: Any = (IsAuthenticated, ModelPermissions)
    ordering_fields: Any = "__all__"

    @property
    def actor(self) -> User:
        """Return who sends the request."""
        return cast("User", self.request.user)

    def get_queryset(self) -> Any:
        """Leave out what the user may not see."""
        return visible(super().get_queryset(), self.actor)

    def get_object(self) -> Any:
        """Return the row; a key with a null character names none."""
        if "\x00" in self.kwargs[self.lookup_url_kwarg or self.lookup_field]:
            raise Http404
        return super().get_object()

    def carry_out(self, operation: Operation, cluster: Cluster | None) -> Result:
        """Perform an operation; headers may carry a reason and the request's id."""
        return perform(
            operation,
            cluster=cluster,
            actor=self.actor,
            reason=self.request.headers.get("X-Change-Reason", ""),
            request_id=self.request.headers.get("X-Request-ID", "")[:64],
        )


class ReadOnlyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, InventoryViewSet):
    """Rows to look at."""


class WritableViewSet(mixins.CreateModelMixin, mixins.DestroyModelMixin, ReadOnlyViewSet):
    """Rows to add, change and remove, each write in one transaction."""

    @transaction.atomic
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a row."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row = self.add(serializer)
        return Response(self.shown(row), status=201)

    @transaction.atomic
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Replace a row's fields: all of them with PUT, those that are sent with PATCH."""
        row = self.get_object()
        if cluster := self.cluster_of(row):  # Nobody else writes between our look and our write.
            lock_clusters([cluster.pk])
            row = self.get_object()
        partial = request.method == "PATCH"
        serializer = self.get_serializer(row, data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return Response(self.shown(self.change(serializer)))

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change the fields that are sent."""
        return self.update(request, *args, **kwargs)

    @transaction.atomic
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a row."""
        self.remove(self.get_object())
        return Response(status=204)

    def add(self, serializer: BaseSerializer) -> Any:
        """Write a new row."""
        raise NotImplementedError

    def change(self, serializer: BaseSerializer) -> Any:
        """Write a changed row."""
        raise NotImplementedError

    def remove(self, row: Any) -> None:
        """Remove a row."""
        raise NotImplementedError

    def cluster_of(self, row: Any) -> Cluster | None:
        """Return the cluster that a row belongs to."""
        cluster = getattr(row, "cluster", None)
        return cluster if isinstance(cluster, Cluster) else None

    def shown(self, row: Any) -> Any:
        """Return a row as a later GET would."""
        fresh = self.get_queryset().get(pk=row.pk)
        return self.get_serializer(fresh).data


class RowViewSet(WritableViewSet):
    """Rows that no rule reads: written as they are, and logged."""

    def add(self, serializer: Any) -> Any:
        """Write a new row."""
        row = serializer.Meta.model(**serializer.validated_data)
        return save_row(row, actor=self.actor, cluster=self.cluster_of(row))

    def change(self, serializer: Any) -> Any:
        """Write a changed row."""
        row = serializer.instance
        for name, value in serializer.validated_data.items():
            setattr(row, name, value)
        return save_row(row, actor=self.actor, cluster=self.cluster_of(row))

    def remove(self, row: Any) -> None:
        """Delete the row."""
        delete_row(row, actor=self.actor, cluster=self.cluster_of(row))


class ClusterPartFilter(django_filters.FilterSet):
    """Choose by the cluster's slug."""

    cluster = django_filters.CharFilter("cluster__slug", label="Slug of the cluster.")
