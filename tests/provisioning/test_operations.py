"""How the portal is: a page for its administrators, numbers for machines, harmless to strangers."""

import json
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task

from inventory.models import Container
from monitoring.leases import renew
from provisioning.heartbeat import beat, leave
from provisioning.models import ContainerLock, WorkerHeartbeat
from tests.factories import make_user
from tests.provisioning.runs import let_run, make_planned_run, make_ready_cluster

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper(client: Client) -> Client:
    """Sign in somebody who looks after the portal."""
    client.force_login(make_user("kim", permissions=("provisioning.view_operations",)))
    return client


def wait_in_queue(seconds: float) -> None:
    """Leave a task in the queue since then."""
    async_task("math.sqrt", 4, task_name="a waiting task")
    OrmQ.objects.update(lock=timezone.now() - timedelta(seconds=seconds))


def health() -> tuple[int, dict[str, object]]:
    """Ask as a machine does that nobody knows."""
    answer = Client().get("/healthz", {"format": "json"})
    return answer.status_code, json.loads(answer.content)


def test_a_worker_and_a_collector_that_live_are_counted() -> None:
    beat(processes=2, idle=1)
    renew("host:1")

    status, numbers = health()

    assert status == 200
    assert numbers["status"] == "ok"
    assert (numbers["workers"], numbers["worker_processes"]) == (1, 2)
    assert numbers["collectors"] == 1
    assert numbers["queue_depth"] == 0


def test_the_numbers_are_lines_for_whoever_reads_lines(client: Client) -> None:
    beat(processes=2, idle=1)

    lines = client.get("/healthz").content.decode().splitlines()

    assert lines[0] == "ok"
    assert "worker_processes_idle 1" in lines
    assert "queue_oldest_s -" in lines


def test_a_worker_is_one_row_until_it_ends() -> None:
    beat(processes=2, idle=2)
    beat(processes=2, idle=0)
    assert WorkerHeartbeat.objects.get().idle == 0

    leave()
    assert not WorkerHeartbeat.objects.exists()


def test_a_queue_that_nobody_takes_from_though_idle_is_stalled() -> None:
    beat(processes=2, idle=1)
    wait_in_queue(seconds=90)

    status, numbers = health()

    assert status == 503
    assert numbers["status"] == "stalled"


def test_a_queue_without_any_worker_is_stalled() -> None:
    wait_in_queue(seconds=90)

    assert health()[0] == 503


def test_tasks_that_wait_for_busy_workers_are_no_fault() -> None:
    beat(processes=2, idle=0)
    wait_in_queue(seconds=90)

    status, numbers = health()

    assert status == 200
    assert numbers["queue_oldest_s"] == pytest.approx(90, abs=10)


def test_the_page_shows_who_works_what_waits_and_what_is_held(keeper: Client) -> None:
    run = make_planned_run(make_ready_cluster(), make_user("anna"))
    let_run(run)
    container = Container.objects.get(name="pg-node-01")
    ContainerLock.objects.create(container=container, run=run, reason="works on it")
    beat(processes=3, idle=1)
    WorkerHeartbeat.objects.create(
        name="gone:7", processes=2, idle=0, at=Now() - timedelta(minutes=5)
    )
    wait_in_queue(seconds=90)
    Schedule.objects.create(
        func="math.sqrt", name="a late one", next_run=timezone.now() - timedelta(hours=1)
    )

    text = keeper.get("/operations/").content.decode()

    for words in ("gone:7", "Silent", "Stalled", "a waiting task", "a late one", "Late", str(run)):
        assert words in text


def test_the_api_tells_the_same(keeper: Client) -> None:
    beat(processes=3, idle=1)

    found = keeper.get("/api/v1/operations/").json()

    assert found["status"] == "ok"
    assert found["workers"][0]["processes"] == 3
    assert found["database"]["size"] > 0


def test_collectors_have_their_part_of_the_page(keeper: Client) -> None:
    renew("host:1", hosts=7)

    assert "host:1" in keeper.get("/monitoring/collectors/").content.decode()


@pytest.mark.parametrize(
    "address", ["/operations/", "/monitoring/collectors/", "/api/v1/operations/"]
)
def test_who_does_not_look_after_the_portal_does_not_see_it(client: Client, address: str) -> None:
    client.force_login(make_user("viktor", permissions=("inventory.view_cluster",)))

    assert client.get(address).status_code == 403
