"""The vendor's packages come from a repository that its own key has signed, or not at all."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from provisioning.planning import plan
from provisioning.runbook.load import load_runbooks
from tests.lab.cache import standins
from tests.lab.executor import Executor, Outcome
from tests.lab.hosts import Lab
from tests.lab.machine import missing
from tests.lab.platform import standin_parameters
from tests.provisioning.topologies import make_topology

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
PRIVATE, PUBLIC = "10.229.0", "10.230.0"
STAGE = "api.ring2all-packages"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """One bare host."""
    with Lab("vkey", PRIVATE, PUBLIC, layers=()) as lab:
        lab.up(1)
        yield lab


@pytest.fixture
def executor(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    """An executor with a connection to the host."""
    addresses = {"api-node-01": lab.host(1).private}
    executor = Executor(addresses, lab.key_path, tmp_path_factory.mktemp("s"), str)
    yield executor
    executor.close()


def add_repositories(executor: Executor, **parameters: str) -> list[Outcome]:
    """Carry out the stage that adds the repositories of an API server."""
    topology = make_topology(
        {"api-node-01": ("api",)},
        private=PRIVATE,
        public=PUBLIC,
        parameters=standin_parameters() | parameters,
    )
    whole = plan(topology, load_runbooks("ring2all"), roles=["api"])
    (stage,) = [stage for stage in whole.stages if stage.key == STAGE]
    return executor.carry_out(replace(whole, stages=(stage,)))


def test_a_repository_that_another_key_signed_is_refused(executor: Executor) -> None:
    wrong = (standins() / "nodejs/key.asc").read_text()

    last = add_repositories(executor, ring2all_repository_key=wrong)[-1]

    assert (last.step.key, last.outcome) == (f"{STAGE}.lists[ring2all]", "failed:apply")
    assert "is not signed" in last.output or "Missing key" in last.output


def test_with_its_key_its_packages_can_be_had_and_a_second_look_changes_nothing(
    lab: Lab, executor: Executor
) -> None:
    assert {o.outcome for o in add_repositories(executor)} <= {"ok", "changed"}
    assert {o.outcome for o in add_repositories(executor)} == {"ok"}

    offered = lab.ssh(lab.host(1), "apt-cache policy softswitch-api nodejs")
    assert "file:/srv/standins/ring2all stable/main" in offered
    assert "file:/srv/standins/nodejs nodistro/main" in offered
