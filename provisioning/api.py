"""REST for runs: read everything, start, cancel, retry, confirm."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.contrib.auth.models import User
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.access import permit
from inventory.serializers.fields import cluster_field
from provisioning import services
from provisioning.api_access import RUN, OwnClusters
from provisioning.export import export_response
from provisioning.models import Attempt, Line, Run, Step
from provisioning.operations import as_json
from provisioning.preflight_api import PreflightViewSet
from provisioning.states import InvalidTransition, RunKind
from voipadmin.serializers import StrictSerializer


class Conflict(APIException):
    """The run or step is not in a state for this."""

    status_code = 409
    default_code = "conflict"


@contextmanager
def conflicts() -> Iterator[None]:
    """Answer 409 to what comes too late or too early."""
    try:
        yield
    except InvalidTransition as error:
        raise Conflict(str(error)) from error


class RunSerializer(serializers.ModelSerializer):
    """A run, without its steps."""

    cluster: serializers.RelatedField = serializers.SlugRelatedField(
        slug_field="slug", read_only=True
    )

    class Meta:
        """Name the fields."""

        model = Run
        fields = (
            "id",
            "cluster",
            "kind",
            "status",
            "reason",
            "waits_for",
            "runbook_hashes",
            "notes",
            "roles",
            "components",
            "proceed_reason",
            "parameters",
            "stages",
            "requested_by_name",
            "cancelled_by_name",
            "requested_at",
            "started_at",
            "finished_at",
        )
        read_only_fields = fields


class RunRequestSerializer(StrictSerializer):
    """What a new run needs: the cluster's slug, what for, and whether it starts at once.

    A dry run always does. `proceed_reason` says why it begins past failed checks of the preflight,
    which are 409 otherwise.
    """

    cluster = cluster_field()
    kind = serializers.ChoiceField(choices=RunKind.choices, default=RunKind.APPLY)
    roles = serializers.ListField(child=serializers.SlugField(), default=list)
    components = serializers.ListField(child=serializers.SlugField(), default=list)
    start = serializers.BooleanField(default=True)
    proceed_reason = serializers.CharField(default="", allow_blank=True, max_length=500)


class StepSerializer(serializers.ModelSerializer):
    """A step; its spec holds references in the place of secrets."""

    class Meta:
        """Name the fields."""

        model = Step
        fields = (
            "id",
            "run",
            "position",
            "stage",
            "stage_key",
            "stage_title",
            "key",
            "title",
            "kind",
            "role",
            "component",
            "container_name",
            "node_name",
            "status",
            "message",
            "hash",
            "spec",
            "started_at",
            "finished_at",
            "manual",
            "approval",
            "answer_by",
            "register",
            "registered",
            "evidence",
            "confirmed_by_name",
            "confirmed_at",
        )
        read_only_fields = fields


class EvidenceSerializer(StrictSerializer):
    """What a person saw of a manual step."""

    evidence = serializers.CharField()


class ReasonSerializer(StrictSerializer):
    """Why somebody does what needs a reason."""

    reason = serializers.CharField()


class AttemptSerializer(serializers.ModelSerializer):
    """One try of a step."""

    class Meta:
        """Name the fields."""

        model = Attempt
        fields = (
            "id",
            "step",
            "number",
            "login",
            "outcome",
            "phase",
            "exit_code",
            "message",
            "created_at",
            "finished_at",
        )
        read_only_fields = fields


class LineSerializer(serializers.ModelSerializer):
    """A line that an attempt printed."""

    class Meta:
        """Name the fields."""

        model = Line
        fields = ("id", "attempt", "sequence", "text", "at")
        read_only_fields = fields


class RunViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OwnClusters):
    """Runs; POST plans one, and starts it unless told not to."""

    queryset = Run.objects.select_related("cluster")
    serializer_class = RunSerializer
    filterset_fields = {
        "cluster__slug": ["exact"],
        "kind": ["exact"],
        "status": ["exact", "in"],
    }
    ordering_fields = ("requested_at", "status")

    @extend_schema(request=RunRequestSerializer, responses={201: RunSerializer})
    def create(self, request: Request) -> Response:
        """Plan a run on a cluster; 409 with the rules that stand in its way."""
        wanted = RunRequestSerializer(data=request.data, context={"request": request})
        wanted.is_valid(raise_exception=True)
        data, actor = wanted.validated_data, cast("User", request.user)
        permit(actor, RUN, data["cluster"])
        about: dict[str, Any] = {
            "cluster": data["cluster"],
            "actor": actor,
            "roles": data["roles"] or None,
        }
        if data["kind"] == RunKind.DRY:
            run = services.request_dry_run(**about)
        else:
            run = services.request_run(
                **about,
                components=data["components"] or None,
                proceed_reason=data["proceed_reason"],
            )
            if data["start"]:
                services.start_run(run=run, actor=actor)
                run.refresh_from_db()
        return Response(RunSerializer(run).data, status=201)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["get"])
    def export(self, request: Request, pk: str) -> StreamingHttpResponse:
        """Return all that is kept of a run as one JSON document."""
        return export_response(self.get_object())

    @extend_schema(request=None, responses=RunSerializer)
    @action(detail=True, methods=["post"])
    def start(self, request: Request, pk: str) -> Response:
        """Start a run that is only planned."""
        return self._act(services.start_run, request)

    @extend_schema(request=None, responses=RunSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stop a run and what it has started on the hosts."""
        return self._act(services.cancel_run, request)

    @extend_schema(request=None, responses=RunSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Do what is not done yet."""
        return self._act(services.retry_run, request)

    def _act(self, service: Any, request: Request) -> Response:
        """Call a service on the run and return the run as it is then."""
        run = self.get_object()
        with conflicts():
            service(run=run, actor=cast("User", request.user))
        run.refresh_from_db()
        return Response(RunSerializer(run).data)


class StepViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OwnClusters):
    """Steps of runs, in order."""

    queryset = Step.objects.order_by("run", "position")
    serializer_class = StepSerializer
    filterset_fields = ("run", "status", "container_name", "stage_key")
    takes = {
        "confirm": "",
        "refuse": "",
        "skip": "provisioning.skip_step",
        "retry_from": "provisioning.retry_from_step",
    }

    @extend_schema(request=EvidenceSerializer, responses=StepSerializer)
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        """Take a person's evidence for a manual step, or an approver's yes."""
        step = self.get_object()
        return self._act(services.confirm_step, step, request, EvidenceSerializer)

    @extend_schema(request=ReasonSerializer, responses=StepSerializer)
    @action(detail=True, methods=["post"])
    def refuse(self, request: Request, pk: str) -> Response:
        """Say no to a step that waits: it fails."""
        step = self.get_object()
        return self._act(services.refuse_step, step, request, ReasonSerializer)

    @extend_schema(request=ReasonSerializer, responses=StepSerializer)
    @action(detail=True, methods=["post"])
    def skip(self, request: Request, pk: str) -> Response:
        """Leave a step out that is not done."""
        step = self.get_object()
        return self._act(services.skip_step, step, request, ReasonSerializer)

    @extend_schema(request=ReasonSerializer, responses=StepSerializer)
    @action(detail=True, methods=["post"], url_path="retry-from")
    def retry_from(self, request: Request, pk: str) -> Response:
        """Carry an ended run on from this step."""
        step = self.get_object()
        return self._act(services.retry_from, step, request, ReasonSerializer)

    def _act(
        self, service: Any, step: Step, request: Request, serializer: type[StrictSerializer]
    ) -> Response:
        """Call a service on the step and return the step as it is then."""
        wanted = serializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        with conflicts():
            service(step=step, actor=cast("User", request.user), **wanted.validated_data)
        step.refresh_from_db()
        return Response(StepSerializer(step).data)


class AttemptViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OwnClusters):
    """Attempts of steps."""

    queryset = Attempt.objects.order_by("created_at")
    serializer_class = AttemptSerializer
    filterset_fields = {"step": ["exact"], "step__run": ["exact"], "outcome": ["exact"]}


class OperationsPermission(BasePermission):
    """Needs provisioning.view_operations."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Check it."""
        return request.user.has_perm("provisioning.view_operations")


class OperationsViewSet(viewsets.ViewSet):
    """How the portal's own processes are: the queue, workers, database, room."""

    permission_classes = (OperationsPermission,)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def list(self, request: Request) -> Response:
        """Return the numbers of the operations page."""
        return Response(as_json())


class LineViewSet(mixins.ListModelMixin, OwnClusters):
    """Log lines; `?id__gt=` reads on from the last one seen, `?text__icontains=` searches."""

    serializer_class = LineSerializer
    filterset_fields = {
        "attempt": ["exact"],
        "attempt__step": ["exact"],
        "attempt__step__run": ["exact"],
        "id": ["gt", "lt"],
        "text": ["icontains"],
    }
    queryset = Line.objects.order_by("pk")


routes: list[tuple[str, Any, str]] = [
    ("runs", RunViewSet, "run"),
    ("run-steps", StepViewSet, "run-step"),
    ("run-attempts", AttemptViewSet, "run-attempt"),
    ("run-lines", LineViewSet, "run-line"),
    ("operations", OperationsViewSet, "operations"),
    ("preflights", PreflightViewSet, "preflight"),
]
