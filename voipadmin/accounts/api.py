"""The audit as JSON."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.access import may_somewhere
from voipadmin.accounts.audit import Audit
from voipadmin.accounts.forms import AuditForm

FILTERS = ("cluster", "user", "kind", "since", "until", "text")


class EntrySerializer(serializers.Serializer):
    """Something that somebody did."""

    at = serializers.DateTimeField()
    who = serializers.CharField()
    what = serializers.CharField()
    kind = serializers.CharField()
    cluster = serializers.CharField(allow_null=True)
    subject = serializers.CharField()
    reason = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)
    request = serializers.CharField()


class MayAudit(BasePermission):
    """Whoever sees changes of some cluster sees those and its runs."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for inventory.view_change."""
        return may_somewhere(request.user, "inventory.view_change")


class AuditViewSet(viewsets.GenericViewSet):
    """Changes and runs, the newest first."""

    serializer_class = EntrySerializer
    permission_classes = (IsAuthenticated, MayAudit)
    filter_backends = ()

    @extend_schema(parameters=[OpenApiParameter(name, str) for name in FILTERS])
    def list(self, request: Request) -> Response:
        """Return a page of entries; filters as on the page."""
        form = AuditForm(request.query_params, user=request.user)
        unknown = set(request.query_params) - {*FILTERS, "page", "page_size", "format"}
        errors: dict[str, Any] = {name: ["There is no such filter."] for name in sorted(unknown)}
        if not form.is_valid():
            errors |= {name: list(faults) for name, faults in form.errors.items()}
        if errors:
            raise serializers.ValidationError(errors)
        entries: Any = Audit(request.user, form.wanted())
        page: Any = self.paginate_queryset(entries)
        return self.get_paginated_response([entry.as_json() for entry in page])


routes: list[tuple[str, Any, str]] = [("audit", AuditViewSet, "audit")]
