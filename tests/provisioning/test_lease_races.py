"""Many workers want one run: never two drive it, and one that was overtaken writes nothing."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django_q.models import OrmQ

from inventory.models import Cluster
from provisioning.engine.lease import LeaseLostError, claim, holding
from provisioning.models import Attempt, Line, Run
from tests.factories import make_cluster, make_container, make_node
from tests.provisioning import racing
from tests.provisioning.engine.runs import make_run, make_step

pytestmark = pytest.mark.django_db(transaction=True)
RACERS, EPOCHS = 6, 40


@pytest.fixture
def cluster(db: None) -> Cluster:
    """Make a cluster of one node."""
    cluster = make_cluster("race")
    make_node(make_container(cluster, "host-1", networks=("race-private", "race-public")), "pg-1")
    return cluster


@pytest.fixture
def attempt(cluster: Cluster) -> Attempt:
    """Make a queued run whose one step is being tried."""
    run = make_run(cluster, [make_step()])
    return Attempt.objects.create(step=run.steps.get(), number=1, epoch=0)


def written(attempt: Attempt) -> list[tuple[int, int, str]]:
    """Return who wrote, in the order of the commits: epoch, process, word."""
    lines = Line.objects.filter(attempt=attempt).order_by("sequence")
    words = [line.text.split() for line in lines]
    return [(int(epoch), int(process), word) for epoch, process, word in words]


def test_while_leases_hold_one_driver_goes_before_the_next_comes(attempt: Attempt) -> None:
    run = attempt.step.run

    claimed = racing.race(racing.take_turns, run.pk, attempt.pk, EPOCHS, racers=RACERS)

    run.refresh_from_db()
    lines = written(attempt)
    assert [(epoch, word) for epoch, _, word in lines] == [
        (epoch, word) for epoch in range(1, run.epoch + 1) for word in ("comes", "goes")
    ]
    assert all(one[1] == other[1] for one, other in zip(lines[::2], lines[1::2], strict=True))
    assert sum(claimed) == run.epoch


def test_an_overtaken_driver_writes_nothing_after_the_next_has_begun(attempt: Attempt) -> None:
    run = attempt.step.run

    answers = racing.race(racing.rob, run.pk, attempt.pk, EPOCHS, racers=RACERS)

    run.refresh_from_db()
    lines = written(attempt)
    assert all(one[0] <= other[0] for one, other in pairwise(lines))
    assert len({(epoch, process) for epoch, process, _ in lines}) == len({e for e, _, _ in lines})
    assert sum(answer["claimed"] for answer in answers) == run.epoch
    assert sum(answer["refused"] for answer in answers) > 0


def test_of_workers_that_claim_at_the_same_time_one_gets_the_run(cluster: Cluster) -> None:
    runs = [make_run(cluster, [make_step()]) for _ in range(20)]

    answers = racing.race(racing.claim_all, *(run.pk for run in runs), racers=RACERS)

    taken = [pk for answer in answers for pk in answer]
    assert sorted(taken) == sorted(run.pk for run in runs)
    assert set(Run.objects.values_list("epoch", flat=True)) == {1}


def test_of_sweeps_that_look_at_the_same_time_one_rings(cluster: Cluster) -> None:
    runs = [make_run(cluster, [make_step()]) for _ in range(20)]
    for run in runs:
        claim(run.pk, lease_s=-1)

    answers = racing.race(racing.look_once, racers=RACERS)

    assert sum(answers) == len(runs)
    assert OrmQ.objects.count() == len(runs)


def test_a_driver_that_lost_the_run_before_its_write_is_told(cluster: Cluster) -> None:
    run = make_run(cluster, [make_step()])
    first = claim(run.pk, lease_s=-1)
    second = claim(run.pk, lease_s=600)
    assert first
    assert second

    with pytest.raises(LeaseLostError), holding(first, lease_s=600):
        pytest.fail("It was let in.")
    with holding(second, lease_s=600) as fresh:
        assert fresh.epoch == 2
