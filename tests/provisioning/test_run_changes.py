"""A run's page asks for what has changed: small answers, also for thousands of steps."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from provisioning.models import Run, Step
from provisioning.states import StepStatus
from tests.factories import make_user
from tests.provisioning.engine.runs import make_run, make_step
from tests.provisioning.runs import let_run, make_planned_run, make_ready_cluster

pytestmark = pytest.mark.django_db
MARKS = re.compile(
    r'id="(run-state|run-failures|stage-\d+-head|row-\d+-\d+)"[^>]* data-mark="(....)"'
)


@pytest.fixture
def operator() -> User:
    """Make somebody who may look."""
    return make_user("olga", permissions=("inventory.view_cluster",))


@pytest.fixture
def client(client: Client, operator: User) -> Client:
    """Sign in."""
    client.force_login(operator)
    return client


@pytest.fixture
def run(operator: User) -> Run:
    """Make a run that is going on."""
    run = make_planned_run(make_ready_cluster(), operator)
    let_run(run)
    return run


def seen_by(client: Client, run: Run, *, opened: tuple[int, ...] = (1,)) -> dict[str, Any]:
    """Load the page; return what a browser with these stages open would tell of it."""
    marks = dict(MARKS.findall(client.get(run.get_absolute_url()).content.decode()))
    seen = "".join(mark for name, mark in marks.items() if not name.startswith("row-"))
    rows = {n: [m for name, m in marks.items() if name.startswith(f"row-{n}-")] for n in opened}
    return {"seen": seen, "rows": [f"{n}:{''.join(row)}" for n, row in rows.items()]}


def changes(client: Client, run: Run, query: dict[str, Any]) -> str:
    """Ask as htmx does."""
    answer = client.get(run.get_absolute_url(), query, headers={"HX-Request": "true"})
    return answer.content.decode() if answer.status_code == 200 else ""


def sent(text: str) -> list[str]:
    """List the pieces of an answer."""
    return [name for name, _ in MARKS.findall(text)]


def test_nothing_is_sent_while_nothing_changes(client: Client, run: Run) -> None:
    answer = client.get(
        run.get_absolute_url(), seen_by(client, run), headers={"HX-Request": "true"}
    )

    assert answer.status_code == 204


def test_only_the_row_that_changed_is_sent_with_its_stage_and_the_summary(
    client: Client, run: Run
) -> None:
    seen = seen_by(client, run)
    second = run.steps.order_by("position")[1]
    Step.objects.filter(pk=second.pk).update(status=StepStatus.CHANGED)

    assert sent(changes(client, run, seen)) == ["run-state", "stage-1-head", "row-1-1"]


def test_a_stage_that_is_closed_is_sent_as_its_heading(client: Client, run: Run) -> None:
    seen = seen_by(client, run, opened=())
    Step.objects.filter(pk=run.steps.order_by("position")[1].pk).update(status=StepStatus.CHANGED)

    assert sent(changes(client, run, seen)) == ["run-state", "stage-1-head"]


def test_a_stage_that_is_opened_brings_its_rows(client: Client, run: Run) -> None:
    text = changes(client, run, seen_by(client, run) | {"opened": "2"})

    assert sent(text) == ["stage-2-head", "row-2-1", "row-2-2", "row-2-3"]
    assert '<ul id="rows-2" class="rows" hx-swap-oob="true">' in text


def test_a_failure_appears_with_its_card(client: Client, run: Run) -> None:
    seen = seen_by(client, run)
    step = run.steps.order_by("position")[1]
    message = "No space left on device"
    Step.objects.filter(pk=step.pk).update(status=StepStatus.FAILED, message=message)

    text = changes(client, run, seen)

    assert "run-failures" in sent(text)
    assert "No space left on the disk?" in text


def test_a_host_that_does_not_answer_shows_in_its_row(client: Client, run: Run) -> None:
    seen = seen_by(client, run)
    step = run.steps.order_by("position")[1]
    Step.objects.filter(pk=step.pk).update(message="pg-node-01 does not answer; asking again.")

    assert "asking again" in changes(client, run, seen)


def test_nonsense_brings_everything_and_no_error(client: Client, run: Run) -> None:
    text = changes(client, run, {"seen": "x", "rows": ["a:b", "1", ":", "9" * 5000], "opened": "²"})

    assert "run-state" in sent(text)


def test_two_thousand_steps_cost_few_queries_and_a_change_of_one_few_bytes(client: Client) -> None:
    steps = [make_step(f"step-{n}", host) for host in range(50) for n in range(40)]
    run = make_run(make_ready_cluster(), steps)
    Step.objects.filter(run=run, position__lt=20).update(status=StepStatus.OK)
    seen = seen_by(client, run)
    Step.objects.filter(run=run, position=20).update(status=StepStatus.RUNNING)

    with CaptureQueriesContext(connection) as queries:
        text = changes(client, run, seen)

    assert sent(text) == ["run-state", "stage-1-head", "row-1-1"]
    assert len(text) < 12_000
    assert len(queries) < 15
