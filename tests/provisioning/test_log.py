"""The log of a run: read from any place, searched, from its first error on, for one step alone."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from provisioning import log
from provisioning.log import Scope
from provisioning.models import Attempt, Line, Run, Step
from provisioning.states import RunStatus
from tests.factories import make_user
from tests.provisioning.runs import (
    let_end,
    let_run,
    make_planned_run,
    make_ready_cluster,
    write_lines,
)

pytestmark = pytest.mark.django_db


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
    """Make a run that is going on and has printed nothing."""
    run = make_planned_run(make_ready_cluster(), operator)
    let_run(run, lines=0)
    return run


@pytest.fixture
def step(run: Run) -> Step:
    """Return the step that runs."""
    return run.steps.order_by("position")[1]


def other_step(run: Run) -> Step:
    """Return a step of another container."""
    step = run.steps.filter(container_name="pg-node-02").first()
    assert step
    return step


def texts(page: log.Page) -> list[str]:
    """Return what a page says."""
    return [line.text for line in page.lines]


def key(text: str) -> int:
    """Return a line's key."""
    return Line.objects.get(text=text).pk


def found(client: Client, run: Run, **query: Any) -> dict[str, object]:
    """Ask for a line."""
    answer = client.get(reverse("provisioning:run-find", args=[run.pk]), query)
    content: dict[str, object] = json.loads(answer.content)
    return content


def test_pages_join_without_a_gap_or_a_doubled_line(run: Run, step: Step) -> None:
    write_lines(step, *(f"line {n}" for n in range(1200)))
    scope = Scope(run)

    last = log.tail(scope)
    middle = log.before(scope, last.lines[0].pk)
    first = log.before(scope, middle.lines[0].pk)

    assert texts(first) + texts(middle) + texts(last) == [f"line {n}" for n in range(1200)]
    assert (last.older, middle.older, first.older) == (True, True, False)
    assert log.after(scope, first.lines[-1].pk) == log.Page(middle.lines, newer=True)
    assert log.after(scope, last.lines[-1].pk) == log.Page([])


def test_a_place_is_shown_with_both_sides_of_it(run: Run, step: Step) -> None:
    write_lines(step, *(f"line {n}" for n in range(1200)))

    page = log.around(Scope(run), key("line 600"))

    assert "line 600" in texts(page)
    assert (page.older, page.newer) == (True, True)


def test_one_container_or_one_step_has_a_log_of_its_own(
    client: Client, run: Run, step: Step
) -> None:
    write_lines(step, "of the first")
    write_lines(other_step(run), "of the second")
    address = reverse("provisioning:run-lines", args=[run.pk])

    by_container = client.get(address, {"container": "pg-node-02"}).content.decode()
    by_step = client.get(address, {"step": str(step.pk)}).content.decode()

    assert "of the second" in by_container
    assert "of the first" not in by_container
    assert "of the first" in by_step
    assert "of the second" not in by_step


def test_nothing_new_is_an_empty_answer_that_says_whether_to_ask_again(
    client: Client, run: Run, step: Step
) -> None:
    write_lines(step, "the only line")
    address = reverse("provisioning:run-lines", args=[run.pk])

    going = client.get(address, {"after": key("the only line")})
    let_end(run, RunStatus.SUCCEEDED)
    ended = client.get(address, {"after": key("the only line")})

    assert (going.status_code, going["Log-Goes-On"]) == (204, "1")
    assert (ended.status_code, ended["Log-Goes-On"]) == (204, "0")


def test_a_search_goes_forward_back_and_round(client: Client, run: Run, step: Step) -> None:
    write_lines(step, "One apple", "two pears", "three APPLES", "100 % done")
    first, last = key("One apple"), key("three APPLES")

    assert found(client, run, text="apple") == {"pk": first, "place": 1, "count": 2}
    assert found(client, run, text="apple", start=first)["pk"] == last
    assert found(client, run, text="apple", start=last) == {"pk": first, "place": 1, "count": 2}
    assert found(client, run, text="apple", start=first, back=1)["pk"] == last
    assert found(client, run, text="0 % d")["count"] == 1
    assert found(client, run, text="figs") == {"pk": None, "place": 0, "count": 0}


def test_the_first_error_is_that_of_the_phase_that_failed(
    client: Client, run: Run, step: Step
) -> None:
    write_lines(other_step(run), "0 errors, no error at all")
    write_lines(step, "==> probe", "stat: cannot stat it", "==> apply", "begins", "E: it failed")
    let_end(run, RunStatus.FAILED)

    assert found(client, run) == {"pk": key("E: it failed")}


def test_without_a_failure_the_first_line_that_sounds_like_one_is_shown(
    client: Client, run: Run, step: Step
) -> None:
    write_lines(step, "terrorised by nobody", "Warning: connection refused")

    assert found(client, run) == {"pk": key("Warning: connection refused")}


def test_a_log_without_errors_has_no_first_one(client: Client, run: Run, step: Step) -> None:
    write_lines(step, "all is well")

    assert found(client, run) == {"pk": None}


def test_a_download_may_be_of_one_step(client: Client, run: Run, step: Step) -> None:
    write_lines(step, "of the first")
    write_lines(other_step(run), "of the second")

    answer = client.get(reverse("provisioning:run-log", args=[run.pk]), {"step": str(step.pk)})

    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert text.endswith("of the first\n")
    assert text.count("\n") == 1


def test_a_second_attempt_is_named(client: Client, run: Run) -> None:
    again = Attempt.objects.create(step=other_step(run), number=2, epoch=1, next_sequence=1)
    Line.objects.create(attempt=again, sequence=0, text="once more")

    text = client.get(reverse("provisioning:run-lines", args=[run.pk])).content.decode()

    assert "· attempt 2" in text


@pytest.mark.parametrize(
    "query", [{"after": "²"}, {"before": "9" * 30}, {"container": "a\x00b"}, {"text": "\x00"}]
)
def test_odd_addresses_are_no_errors(client: Client, run: Run, query: dict[str, str]) -> None:
    for name in ("run-lines", "run-find"):
        answer = client.get(reverse(f"provisioning:{name}", args=[run.pk]), query)
        assert answer.status_code in (200, 204)


def test_a_step_of_another_run_is_not_found(client: Client, run: Run) -> None:
    address = reverse("provisioning:run-lines", args=[run.pk])

    assert client.get(address, {"step": "nonsense"}).status_code == 404
