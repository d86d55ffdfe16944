"""Hosts behind bastions: one connection to a bastion for all, closed when the last has left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from inventory.ssh import (
    AuthenticationFailed,
    Connection,
    HostKeyChanged,
    Target,
    Unreachable,
    host_key_of,
)
from tests import sshd
from tests.provisioning.engine.runs import wait_until
from tests.sshd import Sshd, serving

pytestmark = pytest.mark.skipif(bool(sshd.missing()), reason=sshd.missing() or "sshd is there")


@pytest.fixture
def bastion(tmp_path: Path) -> Iterator[Sshd]:
    """Run the server that leads on."""
    (tmp_path / "bastion").mkdir()
    with serving(tmp_path / "bastion") as running:
        yield running


@pytest.fixture
def inner(tmp_path: Path) -> Iterator[Sshd]:
    """Run the server behind it."""
    (tmp_path / "inner").mkdir()
    with serving(tmp_path / "inner") as running:
        yield running


def behind(inner: Sshd, bastion: Sshd, name: str = "inner") -> Target:
    """Say how to log in through the bastion."""
    return replace(inner.target(name), bastion=bastion.target("bastion"))


def test_many_hosts_behind_one_bastion_share_its_connection(bastion: Sshd, inner: Sshd) -> None:
    with ThreadPoolExecutor(12) as pool:
        opened = list(
            pool.map(
                lambda number: Connection.connect(behind(inner, bastion, f"pg-{number}")), range(12)
            )
        )

    assert all(connection.run("echo through").text == "through\n" for connection in opened)
    # The look whether a server is there may be one more for a moment.
    wait_until(lambda: (bastion.connections, inner.connections) == (1, 12))

    for connection in opened[1:]:
        connection.close()
    assert opened[0].run("echo still").text == "still\n"
    assert bastion.connections == 1

    opened[0].close()
    wait_until(lambda: (bastion.connections, inner.connections) == (0, 0))


def test_closing_twice_takes_nobody_elses_share(bastion: Sshd, inner: Sshd) -> None:
    first = Connection.connect(behind(inner, bastion, "one"))
    second = Connection.connect(behind(inner, bastion, "two"))

    first.close()
    first.close()

    assert second.run("echo still").text == "still\n"
    second.close()


def test_a_bastion_that_was_restarted_is_connected_to_anew(bastion: Sshd, inner: Sshd) -> None:
    broken = Connection.connect(behind(inner, bastion))
    bastion.stop()
    wait_until(lambda: not broken.alive)
    bastion.start()

    with Connection.open(behind(inner, bastion)) as connection:
        assert connection.run("echo again").text == "again\n"

    broken.close()
    wait_until(lambda: bastion.connections == 0)


def test_who_waits_for_a_bastion_that_fails_fails_with_it_at_once(
    bastion: Sshd, inner: Sshd
) -> None:
    bastion.stop()

    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(Connection.connect, behind(inner, bastion)) for _ in range(8)]
        failures = [job.exception() for job in jobs]

    assert all(isinstance(failure, Unreachable) for failure in failures)
    assert "bastion (127.0.0.1 port" in str(failures[0])
    assert "refuses the connection" in str(failures[0])


def test_a_chain_of_bastions_leads_on(bastion: Sshd, inner: Sshd, tmp_path: Path) -> None:
    (tmp_path / "outer").mkdir()
    with serving(tmp_path / "outer") as outer:
        middle = replace(bastion.target("middle"), bastion=outer.target("outer"))

        with Connection.open(replace(inner.target(), bastion=middle)) as connection:
            assert connection.run("echo far").text == "far\n"
            wait_until(lambda: (outer.connections, bastion.connections) == (1, 1))


def test_a_bastion_with_another_host_key_leads_nowhere(bastion: Sshd, inner: Sshd) -> None:
    target = behind(inner, bastion)
    bastion.stop()
    bastion.make_host_key()
    bastion.start()

    with pytest.raises(HostKeyChanged, match="host key of bastion has changed"):
        Connection.connect(target)

    assert inner.connections == 0


def test_a_bastion_that_refuses_the_login_is_named(bastion: Sshd, inner: Sshd) -> None:
    (bastion.folder / "authorized_keys").write_text("")

    with pytest.raises(AuthenticationFailed, match="bastion refuses the login of root"):
        Connection.connect(behind(inner, bastion))


def test_a_bastion_that_forbids_forwarding_is_said_so(bastion: Sshd, inner: Sshd) -> None:
    bastion.restart("AllowTcpForwarding no")

    with pytest.raises(Unreachable, match="bastion does not let anybody through"):
        Connection.connect(behind(inner, bastion))


def test_a_host_key_is_asked_for_through_the_bastion(bastion: Sshd, inner: Sshd) -> None:
    key = host_key_of("pg-1", "127.0.0.1", inner.port, bastion=bastion.target("bastion"))

    assert str(key) == inner.host_key
    wait_until(lambda: bastion.connections == 0)
    assert threading.active_count() < 50
