"""Import and export of clusters: files in, files out."""

from collections.abc import Mapping
from typing import IO, Any

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions
from rest_framework.decorators import action
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.api.base import InventoryViewSet
from inventory.interchange.export import CONTENTS, FORMATS, NoSuchExport, export_file
from inventory.interchange.faults import Faulty
from inventory.interchange.importing import (
    Outcome,
    RefusedImport,
    Stale,
    Upload,
    finding_rows,
    run_import,
)
from inventory.interchange.reading import MAX_BYTES, guess_form
from inventory.models import Cluster
from voipadmin.problems import problem

READ = {
    "containers": ("inventory.view_container",),
    "nodes": ("inventory.view_node",),
    "cluster": ("inventory.view_cluster", "inventory.view_container", "inventory.view_node"),
}
ANSWERS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class AnyAnswer(DefaultContentNegotiation):
    """Answers with the file whatever is asked for; problems come as JSON."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[Any, str]:
        """Take the first, which is for problems alone."""
        return renderers[0], renderers[0].media_type


class CSVParser(BaseParser):
    """A table as it is."""

    media_type = "text/csv"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the bytes, hardly more than a file may have."""
        return stream.read(MAX_BYTES + 1)


class YAMLParser(CSVParser):
    """YAML as it is."""

    media_type = "application/yaml"


class OldYAMLParser(CSVParser):
    """YAML under the name it had."""

    media_type = "application/x-yaml"


WHAT = OpenApiParameter("what", enum=[*CONTENTS], description="What the file has.")
IMPORTING = [
    OpenApiParameter("dry_run", bool, description="Only say what would change."),
    OpenApiParameter("remove_missing", bool, description="Remove what the file lacks."),
    OpenApiParameter(
        "plan", str, description="The plan of a dry run: refuse (409) when it is another by now."
    ),
]
FILE = {
    "text/csv": OpenApiTypes.STR,
    "application/yaml": OpenApiTypes.STR,
    "multipart/form-data": {
        "type": "object",
        "properties": {"file": {"type": "string", "format": "binary"}},
        "required": ["file"],
    },
}
PLAN: dict[int, dict[str, Any]] = {200: {"type": "object", "additionalProperties": {}}}


class InterchangeActions(InventoryViewSet):
    """Import and export, for the viewset of clusters."""

    @extend_schema(
        parameters=[WHAT, OpenApiParameter("as", enum=[*FORMATS])],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/yaml"): OpenApiTypes.STR,
        },
    )
    @action(
        detail=True,
        filterset_class=None,
        pagination_class=None,
        content_negotiation_class=AnyAnswer,
    )
    def export(self, request: Request, slug: str) -> HttpResponse:
        """Return a cluster as YAML, or its containers or nodes as CSV or YAML."""
        values = _parameters(request, {"what", "as"})
        what = values.get("what", "cluster")
        form = values.get("as", "yaml" if what == "cluster" else "csv")
        cluster = self.get_object()
        if not self.actor.has_perms(READ.get(what, ()), cluster):
            raise exceptions.PermissionDenied
        try:
            text = export_file(cluster, what=what, form=form)
        except NoSuchExport as error:
            raise exceptions.ValidationError({"what": [str(error)]}) from None
        return HttpResponse(text, content_type=f"{FORMATS[form]}; charset=utf-8")

    @extend_schema(
        operation_id="clusters_import", parameters=[WHAT, *IMPORTING], request=FILE, responses=PLAN
    )
    @action(
        detail=True,
        methods=["post"],
        url_path="import",
        url_name="import",
        filterset_class=None,
        parser_classes=[CSVParser, YAMLParser, OldYAMLParser, MultiPartParser],
    )
    def import_file(self, request: Request, slug: str) -> Response:
        """Take containers, nodes or a whole cluster in; all of it or nothing."""
        cluster: Cluster = self.get_object()
        return self._answer(request, cluster, allowed=tuple(CONTENTS))

    @extend_schema(
        operation_id="clusters_import_new", parameters=IMPORTING, request=FILE, responses=PLAN
    )
    @action(
        detail=False,
        methods=["post"],
        url_path="import",
        url_name="import-new",
        filterset_class=None,
        parser_classes=[YAMLParser, OldYAMLParser, MultiPartParser],
    )
    def import_new(self, request: Request) -> Response:
        """Make the cluster that a file describes, or change the one that it is about."""
        return self._answer(request, None, allowed=("cluster",))

    def _answer(
        self, request: Request, cluster: Cluster | None, *, allowed: tuple[str, ...]
    ) -> Response:
        """Carry an import out, or say what it would change."""
        values = _parameters(request, {"what", "dry_run", "remove_missing", "plan"})
        what = values.get("what", "cluster")
        if what not in allowed:
            raise exceptions.ValidationError({"what": [f"One of {', '.join(allowed)}."]})
        if not self.actor.has_perms(READ[what], cluster):
            raise exceptions.PermissionDenied
        data, form = _file(request)
        dry_run = _yes(values, "dry_run")
        try:
            outcome = run_import(
                Upload(data, what, form, _yes(values, "remove_missing")),
                cluster=cluster,
                actor=self.actor,
                dry_run=dry_run,
                expected=values.get("plan", ""),
                reason=request.headers.get("X-Change-Reason", ""),
                request_id=request.headers.get("X-Request-ID", "")[:64],
            )
        except Faulty as error:
            return _faulty(error)
        except RefusedImport as error:
            rows = finding_rows(error.findings, error.outcome.rows)
            return problem(409, str(error), title="Refused by a rule", findings=rows)
        except PermissionDenied as error:
            raise exceptions.PermissionDenied(str(error)) from None
        except Stale as error:
            return problem(
                409, str(error), title="The plan is another", **_plan(error.outcome, True)
            )
        slug = outcome.cluster.slug if outcome.cluster else None
        return Response({"slug": slug, **_plan(outcome, dry_run)})


def _plan(outcome: Outcome, dry_run: bool) -> dict[str, Any]:
    """Return a plan and whether it was carried out."""
    return {"dry_run": dry_run, **outcome.as_json()}


def _faulty(error: Faulty) -> Response:
    """Return a 400 with every fault by row and column."""
    return problem(
        400,
        f"The file has {len(error.faults)} faults; see faults.",
        title="Bad input",
        errors={"file": [str(fault) for fault in error.faults]},
        faults=[fault.as_json() for fault in error.faults],
    )


def _parameters(request: Request, known: set[str]) -> dict[str, str]:
    """Return the parameters; one that nobody knows is refused."""
    if unknown := sorted(set(request.query_params) - known):
        raise exceptions.ValidationError(
            {name: ["There is no such parameter."] for name in unknown}
        )
    return {name: str(request.query_params[name]) for name in request.query_params}


def _yes(values: Mapping[str, str], name: str) -> bool:
    """Return a parameter's answer."""
    text = values.get(name, "false").lower()
    if text not in ANSWERS:
        raise exceptions.ValidationError({name: ["Write true or false."]})
    return ANSWERS[text]


def _file(request: Request) -> tuple[bytes, str]:
    """Return the file and its form, which the content type says, or a file's name."""
    sent: Any = request.data
    if isinstance(sent, bytes):
        is_table = str(request.content_type).startswith("text/csv")
        return sent, "csv" if is_table else "yaml"
    file = sent.get("file")
    if not isinstance(file, UploadedFile):
        raise exceptions.ValidationError({"file": ["Send a file."]})
    data = file.read(MAX_BYTES + 1)
    return data, guess_form(data, str(file.name))
