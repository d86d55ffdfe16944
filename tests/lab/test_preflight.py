"""A preflight of three bare Debian hosts: what is wrong is found, and nothing stays behind."""

import time
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from inventory.models import Cluster, Container
from inventory.ssh import target_for
from provisioning import preflight
from provisioning.checks.visiting import Visit
from provisioning.models import CheckResult
from provisioning.services import adopt_measured, request_preflight
from provisioning.states import CheckOutcome
from tests.factories import make_cluster, make_container, make_credential, make_node
from tests.lab.hosts import Host, Lab
from tests.lab.machine import missing

pytestmark = [
    pytest.mark.lab,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
PRIVATE, PUBLIC = "10.227.0", "10.228.0"
ROLES = {"lb-01": "load-balancer", "portal-node-01": "portal", "switch-node-01": "switchboard"}
GOOD = {CheckOutcome.PASSED, CheckOutcome.NOT_APPLICABLE}
TOO_MUCH_MIB, DISK_GIB = 2**20, 200
TRACES = "find /tmp /root /etc /opt /usr /var/tmp -xdev -type f -newer /run/mark; ss -Hlntu | wc -l"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Bare hosts."""
    with Lab("vp", PRIVATE, PUBLIC, layers=()) as lab:
        lab.up(3)
        yield lab


@pytest.fixture
def cluster(db: None, lab: Lab) -> Cluster:
    """Describe the hosts; of the first one the inventory says that it has more memory."""
    cluster = make_cluster("vp", private=f"{PRIVATE}.0/24", public=f"{PUBLIC}.0/24")
    here = "file:///srv/apt"
    Cluster.objects.update(
        parameters={"ring2all_repository_url": here, "nodejs_repository_url": here}
    )
    login = make_credential(lab.key_path.read_text())
    for (name, role), host in zip(ROLES.items(), lab.hosts(), strict=True):
        container = make_container(
            cluster,
            name,
            private=host.private,
            # Without a firewall, a public balancer would have its internal port open.
            public=None if name == "lb-01" else host.public,
            vcpus=2,
            memory_mib=TOO_MUCH_MIB if name == "lb-01" else 4096,
            disk_gib=DISK_GIB,
        )
        Container.objects.filter(pk=container.pk).update(
            credential=login, host_key=lab.host_key(host), host_key_confirmed_at=timezone.now()
        )
        make_node(container, name, role)
    return cluster


def look(cluster: Cluster, user: User, **scope: list[str]) -> list[CheckResult]:
    """Ask the machines; returns what all checks say then."""
    asked = request_preflight(cluster=cluster, actor=user, **scope)
    preflight.execute(asked.pk)
    asked.refresh_from_db()
    assert (asked.status, asked.reason) == ("done", "")
    return list(asked.results.all())


def bad(results: list[CheckResult]) -> dict[tuple[str, str], str]:
    """Return what is not as it should be: machine and check, with the sentence."""
    return {(r.container_name, r.key): r.sentence for r in results if r.outcome not in GOOD}


def test_what_is_wrong_is_found_and_all_is_well_once_it_is_mended(
    lab: Lab, cluster: Cluster, administrator: User
) -> None:
    _, second, third = lab.hosts()
    lab.ssh(second, "apt-get -qq update && apt-get -qqy install postgresql-17 >/dev/null")
    lab.ssh(
        third,
        "nft 'add table inet shut; add chain inet shut in { type filter hook input priority 0; };"
        f"add rule inet shut in ip daddr {PRIVATE}.13 tcp dport 443 drop'",
    )
    for host in lab.hosts():
        lab.ssh(host, "touch /run/mark")
    listening = {host: lab.ssh(host, TRACES).split()[-1] for host in lab.hosts()}

    began = time.monotonic()
    found = bad(look(cluster, administrator))

    print(f"a preflight of three hosts took {time.monotonic() - began:.1f} s")
    assert {key for _, key in found} == {"names", "memory", "ports", "clean-target"}
    assert "does not know" in found["lb-01", "names"]
    assert f"less than the {TOO_MUCH_MIB}" in found["lb-01", "memory"]
    assert "filtered" in found["switch-node-01", "ports"]
    assert "from lb-01" in found["switch-node-01", "ports"]
    assert "PostgreSQL runs as postgres" in found["portal-node-01", "clean-target"]
    for host in lab.hosts():
        assert lab.ssh(host, TRACES).split() == [listening[host]]
        assert "preflight" not in lab.ssh(host, "ps -eo args")

    lab.ssh(second, "apt-get -qqy purge 'postgresql*' >/dev/null; rm -rf /var/lib/postgresql")
    lab.ssh(third, "nft delete table inet shut")
    for host in lab.hosts():
        name_all(lab, host)
    adopt_measured(cluster=cluster, actor=administrator, container="lb-01")

    assert bad(look(cluster, administrator)) == {}
    assert Container.objects.get(name="lb-01").memory_mib < TOO_MUCH_MIB


def test_a_port_in_use_names_the_process_and_one_check_is_asked_again_alone(
    lab: Lab, cluster: Cluster, administrator: User
) -> None:
    second = lab.hosts()[1]
    lab.ssh(second, "systemd-run -q --unit squatter python3 -m http.server 80")
    everything = look(cluster, administrator)

    assert "tcp 80 of portal-node-01 is in use by python3" in "".join(bad(everything).values())

    lab.ssh(second, "systemctl stop squatter")
    again = look(cluster, administrator, checks=["ports"], containers=["portal-node-01"])

    assert ("portal-node-01", "ports") not in bad(again)
    assert len(again) == len(everything)
    assert len({result.at for result in again}) == 2


def test_who_holds_ports_is_gone_soon_after_the_portal_is(lab: Lab, cluster: Cluster) -> None:
    host = lab.hosts()[0]
    row = Container.objects.with_login().get(name="lb-01")
    visit = Visit.open(target_for(row))
    key = ("tcp", host.private, 5432)
    assert visit.hold([key]) == {key: ("bound", "")}
    assert ":5432" in lab.ssh(host, "ss -Hlnt")

    visit.connection.close()  # As the kernel does when a worker is killed.

    deadline = time.monotonic() + 10
    while ":5432" in lab.ssh(host, "ss -Hlnt"):
        assert time.monotonic() < deadline


def test_a_machine_that_does_not_answer_hinders_no_other(
    lab: Lab, cluster: Cluster, administrator: User
) -> None:
    lab.cut(lab.hosts()[2])
    found = look(cluster, administrator)
    lab.join(lab.hosts()[2])

    by_key = {(r.container_name, r.key): r for r in found}
    assert by_key["switch-node-01", "login"].outcome == CheckOutcome.FAILED
    assert by_key["switch-node-01", "memory"].outcome == CheckOutcome.UNKNOWN
    assert by_key["lb-01", "processors"].outcome == CheckOutcome.PASSED
    assert "switch-node-01" in by_key["lb-01", "private-network"].sentence


def name_all(lab: Lab, host: Host) -> None:
    """Write every machine's name into a host's file."""
    lines = "".join(
        f"{other.private} {name}\\n" for name, other in zip(ROLES, lab.hosts(), strict=True)
    )
    lab.ssh(host, f"printf '{lines}' >> /etc/hosts")
