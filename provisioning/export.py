"""A run as one JSON document: what was asked, planned, done, printed, and by whom."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model
from django.http import StreamingHttpResponse

from inventory.models import Change
from provisioning.models import Attempt, Line, Run, RunbookVersion, Step

FORMAT = 1
RUN = (
    "id", "kind", "status", "reason", "roles", "notes", "parameters", "stages", "runbook_hashes",
    "requested_by_name", "cancelled_by_name", "requested_at", "queued_at", "started_at",
    "finished_at", "epoch", "components", "proceed_reason",
)  # fmt: skip
STEP = (
    "id", "position", "stage", "stage_key", "key", "title", "kind", "role", "component",
    "container_name", "node_name", "hash", "serial", "timeout_s", "status", "message", "started_at",
    "finished_at", "manual", "approval", "answer_by", "evidence", "confirmed_by_name",
    "confirmed_at", "register", "registered", "spec",
)  # fmt: skip
ATTEMPT = (
    "id", "number", "epoch", "login", "outcome", "phase", "exit_code", "message", "created_at",
    "begun_at", "finished_at",
)  # fmt: skip
CHANGE = ("at", "actor_name", "operation", "subject", "summary", "reason")
RUNBOOK = ("hash", "platform", "role", "first_used_at", "files")


def export_response(run: Run) -> StreamingHttpResponse:
    """Return a download of all that is kept of a run."""
    response = StreamingHttpResponse(export_run(run), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="run-{str(run.pk)[:8]}.json"'
    return response


def export_run(run: Run) -> Iterator[str]:
    """Yield the document in pieces: a log may be longer than memory. Secrets are references."""
    head = {"format": FORMAT, "cluster": run.cluster.slug, **_fields(run, RUN)}
    hashes = list(run.runbook_hashes.values())
    changes = Change.objects.filter(subject=f"run:{run.pk}").order_by("pk")
    yield _json(head)[:-1]
    yield ', "runbooks": '
    yield _json([_fields(row, RUNBOOK) for row in RunbookVersion.objects.filter(hash__in=hashes)])
    yield ', "changes": '
    yield _json([_fields(row, CHANGE) for row in changes])
    yield ', "steps": '
    yield from _list(_step(step) for step in run.steps.order_by("position").iterator())
    yield "}\n"


def _step(step: Step) -> Iterator[str]:
    """Yield a step with its attempts."""
    yield _json(_fields(step, STEP))[:-1]
    yield ', "attempts": '
    yield from _list(_attempt(row) for row in step.attempts.order_by("number"))
    yield "}"


def _attempt(attempt: Attempt) -> Iterator[str]:
    """Yield an attempt with its lines, each with its time."""
    yield _json(_fields(attempt, ATTEMPT))[:-1]
    yield ', "lines": '
    lines = Line.objects.filter(attempt=attempt).order_by("sequence")
    rows = lines.values_list("sequence", "at", "text").iterator(chunk_size=1000)
    yield from _list([_json(row)] for row in rows)
    yield "}"


def _list(items: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield a JSON array of items that come in pieces."""
    yield "["
    for number, item in enumerate(items):
        if number:
            yield ",\n"
        yield from item
    yield "]"


def _fields(row: Model, names: Iterable[str]) -> dict[str, Any]:
    """Return some columns of a row."""
    return {name: getattr(row, name) for name in names}


def _json(value: Any) -> str:
    """Return a value as JSON."""
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
