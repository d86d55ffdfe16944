"""Two administrators who change one cluster at once cannot together break a rule."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import connection
from rest_framework.test import APIClient

from inventory.models import Address, Cluster, Network, Node, RoleAssignment
from inventory.operations import (
    AddNode,
    ChangeContainer,
    Operation,
    Refused,
    RemoveBalancer,
    RoleChoice,
    SetBalancer,
    perform,
)
from inventory.rules import check, findings
from inventory.snapshot import load_topology
from inventory.topology import AddressView, BalancerView
from tests.factories import make_cluster, make_container, make_node, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run works on connections of their own, begun together; return results or errors."""
    barrier = threading.Barrier(len(works))
    results: list[object] = [None] * len(works)

    def run(number: int, work: Callable[[], object]) -> None:
        try:
            barrier.wait(timeout=30)
            results[number] = work()
        except Exception as error:  # noqa: BLE001 - the test looks at what it was
            results[number] = error
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=(number, work)) for number, work in enumerate(works)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def both(cluster: Cluster, *operations: Operation) -> list[object]:
    """Perform operations at once."""
    return at_once(
        *(
            lambda operation=operation: perform(operation, cluster=cluster, actor=None)
            for operation in operations
        )
    )


def voipnow(slaves: int, idle: int) -> Cluster:
    """Make a cluster with a SQL master, so many slaves, and idle machines."""
    cluster = make_cluster("berlin", platform="voipnow")
    roles = ["sql-master", *["sql-slave"] * slaves, *[""] * idle]
    for number, role in enumerate(roles):
        container = make_container(
            cluster,
            f"host-{number}",
            private=f"10.203.0.{number + 10}",
            os_id="rhel",
            os_version="8.6",
        )
        if role:
            make_node(container, f"host-{number}", role)
    return cluster


def test_the_last_allowed_slave_is_added_once() -> None:
    """R80: three are there, two administrators add the fourth."""
    cluster = voipnow(slaves=3, idle=2)
    fourth, fifth = (
        AddNode(f"host-{number}", f"host-{number}", (RoleChoice("sql-slave"),)) for number in (4, 5)
    )

    results = both(cluster, fourth, fifth)

    refused = [result for result in results if isinstance(result, Refused)]
    assert [f.rule for error in refused for f in error.findings] == ["R80"]
    assert RoleAssignment.objects.filter(role__key="sql-slave", valid_to=None).count() == 4


def test_an_address_is_given_once() -> None:
    """R50."""
    cluster = voipnow(slaves=0, idle=2)
    topology = load_topology(cluster)
    (held,) = topology.containers["host-1"].addresses
    wanted = (AddressView(held.network, held.ip + 100),)
    changes = [
        ChangeContainer(name, replace(topology.containers[name], addresses=wanted))
        for name in ("host-1", "host-2")
    ]

    results = both(cluster, *changes)

    assert [type(r) for r in results].count(Refused) == 1
    assert Address.objects.filter(ip=held.ip + 100).count() == 1


def test_a_balancer_does_not_go_while_a_node_comes_that_relies_on_it() -> None:
    """K5: whoever is first wins, and what is left keeps the rules."""
    cluster = voipnow(slaves=0, idle=1)
    public = Network.objects.get(name="berlin-public")
    view = BalancerView("front", "web", public.name, public.cidr.network_address + 9, instances=2)
    perform(SetBalancer(view), cluster=cluster, actor=None)

    results = both(
        cluster,
        RemoveBalancer("front"),
        AddNode("host-1", "host-1", (RoleChoice("web"),)),
    )

    assert [type(r) for r in results].count(Refused) == 1
    assert not [f for f in findings(load_topology(cluster)) if f.refuses_save]


def test_many_writers_through_the_api_leave_a_cluster_that_keeps_its_rules() -> None:
    """Eight requests want the two slaves that are still allowed."""
    cluster = voipnow(slaves=2, idle=8)
    user = make_user("root", superuser=True)

    def add(number: int) -> int:
        client = APIClient()
        client.force_authenticate(user)
        body = {
            "cluster": "berlin",
            "name": f"host-{number}",
            "container": f"host-{number}",
            "roles": [{"role": "sql-slave"}],
        }
        return client.post("/api/v1/nodes/", body, format="json").status_code

    numbers = range(3, 11)
    statuses = at_once(*(lambda number=number: add(number) for number in numbers))

    assert sorted(map(str, statuses)) == ["201"] * 2 + ["409"] * 6
    assert Node.objects.filter(cluster=cluster, removed_at=None).count() == 5
    topology = load_topology(cluster)
    assert check(topology, topology) == []
