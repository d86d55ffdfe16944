"""What rules find in a cluster, the change that ends a finding, and who answers for one."""

from typing import Any

import django_filters
from django.db import transaction
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.access import may_somewhere
from inventory.api.base import ClusterPartFilter, ReadOnlyViewSet
from inventory.board import finding_json
from inventory.models import Cluster, Waiver
from inventory.rules import RULES, Finding, Rule, findings, propose
from inventory.serializers.findings import RuleSerializer, WaiverSerializer
from inventory.topology import Topology
from inventory.waivers import grant_waiver, revoke_waiver

# Each fix takes checks to find: so many are proposed in one answer.
FIXES = 50
FILTERS = ("rule", "key", "severity", "blocks", "subject", "role")


def found(topology: Topology, wanted: Any) -> list[dict[str, Any]]:
    """Return findings that a query asks for, the first ones with the fix that is offered."""
    chosen = [f for f in findings(topology) if _is_wanted(f, wanted)]
    return [
        finding_json(finding, propose(topology, finding) if number < FIXES else None)
        for number, finding in enumerate(chosen)
    ]


def _is_wanted(finding: Finding, wanted: Any) -> bool:
    """Tell whether a finding is what a query asks for."""
    return all(str(getattr(finding, name)) == wanted[name] for name in FILTERS if name in wanted)


class WaiverFilter(ClusterPartFilter):
    """Choose by rule and subject."""

    rule = django_filters.CharFilter()
    subject = django_filters.CharFilter()


class WaiverPermissions(BasePermission):
    """Looking takes view_waiver; granting and ending, what the rule's kind takes."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Let the service judge writes: it knows the rule."""
        if view.action in ("list", "retrieve", "metadata"):
            return may_somewhere(request.user, "inventory.view_waiver")
        return True


class WaiverViewSet(mixins.CreateModelMixin, mixins.DestroyModelMixin, ReadOnlyViewSet):
    """Accepted warnings and overridden locks; DELETE ends one, the row stays."""

    queryset = Waiver.objects.select_related("cluster")
    serializer_class = WaiverSerializer
    filterset_class = WaiverFilter
    permission_classes = (IsAuthenticated, WaiverPermissions)
    ordering_fields = ("created_at", "expires_at")

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer for a finding until a time."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = dict(serializer.validated_data)
        result = grant_waiver(
            key=values.pop("rule"),
            **values,
            actor=self.actor,
            request_id=request.headers.get("X-Request-ID", "")[:64],
        )
        row = self.get_queryset().get(pk=result.row.pk)
        return Response(self.get_serializer(row).data, status=201)

    @transaction.atomic
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Let the finding count again."""
        waiver = self.get_object()
        if waiver.revoked_at:
            raise Http404
        revoke_waiver(
            waiver=waiver,
            actor=self.actor,
            reason=request.headers.get("X-Change-Reason", ""),
            request_id=request.headers.get("X-Request-ID", "")[:64],
        )
        return Response(status=204)


class RulePermissions(BasePermission):
    """Whoever sees clusters sees the rules."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for view_cluster."""
        return may_somewhere(request.user, "inventory.view_cluster")


class RuleViewSet(viewsets.GenericViewSet):
    """Every rule: what it demands, on whose word, what it blocks."""

    # Rules are code and no rows; the queryset names whose permissions the schema shows.
    queryset = Cluster.objects.none()
    serializer_class = RuleSerializer
    permission_classes = (IsAuthenticated, RulePermissions)
    filter_backends = ()
    pagination_class = None
    lookup_field = "key"
    lookup_value_regex = "[a-z0-9-]+"

    @extend_schema(responses=RuleSerializer(many=True))
    def list(self, request: Request) -> Response:
        """Return all rules by number."""
        return Response([_rule(rule) for rule in RULES.values()])

    @extend_schema(responses=RuleSerializer)
    def retrieve(self, request: Request, key: str) -> Response:
        """Return one rule."""
        if key not in RULES:
            raise Http404
        return Response(_rule(RULES[key]))


def _rule(rule: Rule[Any]) -> dict[str, Any]:
    """Return a rule as JSON."""
    return {
        "key": rule.key,
        "requirement": rule.requirement,
        "requirements": sorted(rule.requirements),
        "title": rule.title,
        "words": rule.words,
        "severity": rule.severity.value,
        "blocks": rule.blocks.value,
        "scope": rule.scope.value,
        "overridable": rule.overridable,
        "has_fix": bool(rule.fixes),
        "sources": [{"document": s.document, "text": s.text} for s in (rule.source, *rule.also)],
    }
