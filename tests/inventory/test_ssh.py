"""Logins with a pinned host key, against a real OpenSSH server on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from inventory.ssh import (
    AuthenticationFailed,
    CommandTimeout,
    Connection,
    HostKey,
    HostKeyChanged,
    HostKeyUnknown,
    Unreachable,
    fetch_host_key,
    target_for,
)
from tests.factories import make_cluster, make_container, make_credential
from tests.provisioning.engine.runs import wait_until
from tests.sshd import Sshd, keygen, missing, serving


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """Run one server for the tests that leave it as it is."""
    if why := missing():
        pytest.skip(why)
    with serving(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Sshd]:
    """Run a server that a test may change."""
    if why := missing():
        pytest.skip(why)
    with serving(tmp_path) as server:
        yield server


def test_the_host_key_is_fetched_without_a_login(shared: Sshd) -> None:
    key = fetch_host_key("127.0.0.1", shared.port)

    assert str(key) == shared.host_key
    printed = subprocess.run(
        ["ssh-keygen", "-lf", str(shared.folder / "host_key.pub")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert key.fingerprint == printed.split()[1]


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_kinds_of_host_key_can_be_pinned(own: Sshd, kind: str) -> None:
    own.stop()
    own.make_host_key(kind)
    own.start()

    with Connection.open(own.target()) as connection:
        assert connection.run("true").exit_code == 0


def test_a_changed_host_key_is_refused_with_both_fingerprints(own: Sshd) -> None:
    target = own.target()
    own.stop()
    own.make_host_key("rsa")
    own.start()

    with pytest.raises(HostKeyChanged) as refusal, Connection.open(target):
        pass

    assert refusal.value.expected == HostKey.parse(target.host_key)
    assert str(refusal.value.presented) == own.host_key
    assert refusal.value.presented.fingerprint in str(refusal.value)


def test_without_a_pinned_key_nobody_logs_in(shared: Sshd) -> None:
    with pytest.raises(HostKeyUnknown), Connection.open(replace(shared.target(), host_key="")):
        pass


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_kinds_of_login_key_work(own: Sshd, tmp_path: Path, kind: str) -> None:
    keygen(tmp_path / kind, kind)
    (own.folder / "authorized_keys").write_text((tmp_path / f"{kind}.pub").read_text())

    with Connection.open(replace(own.target(), key=(tmp_path / kind).read_text())) as connection:
        assert connection.run("id -u").text == "0\n"


def test_a_refused_key_is_said_so_and_not_shown(shared: Sshd, tmp_path: Path) -> None:
    keygen(tmp_path / "other", "ed25519")
    target = replace(shared.target("pg-1"), key=(tmp_path / "other").read_text())

    with pytest.raises(AuthenticationFailed) as refusal, Connection.open(target):
        pass

    assert str(refusal.value) == "pg-1 refuses the login of root with this key."
    assert "PRIVATE" not in repr(target)


@pytest.mark.parametrize("key", ["no key at all", "-----BEGIN OPENSSH PRIVATE KEY-----\nAA==\n"])
def test_a_key_that_cannot_be_read_is_said_so(shared: Sshd, key: str) -> None:
    with (
        pytest.raises(AuthenticationFailed, match="cannot be read"),
        Connection.open(replace(shared.target(), key=key)),
    ):
        pass


def test_a_port_without_a_server_is_said_so() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))

        with pytest.raises(Unreachable, match="refuses the connection: is its SSH server running"):
            fetch_host_key("127.0.0.1", unused.getsockname()[1])


def test_a_server_that_says_nothing_is_not_waited_for_long() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()

        with pytest.raises(Unreachable, match="does not speak SSH"):
            fetch_host_key("127.0.0.1", silent.getsockname()[1], timeout_s=0.3)


def test_a_command_returns_status_and_both_streams(shared: Sshd) -> None:
    with Connection.open(shared.target()) as connection:
        done = connection.run("cat; echo problem >&2; exit 3", stdin=b"input\n")

    assert (done.exit_code, done.output) == (3, b"input\nproblem\n")


def test_a_command_that_takes_too_long_is_given_up(shared: Sshd) -> None:
    with (
        Connection.open(shared.target()) as connection,
        pytest.raises(CommandTimeout, match=r"did not finish within 0.2 s"),
    ):
        connection.run("sleep 20", timeout_s=0.2)


def test_the_resident_shell_keeps_calls_apart(shared: Sshd) -> None:
    with Connection.open(shared.target()) as connection:
        shell = connection.shell()

        assert shell.call("x=1; cd /; printf no-newline").output == b"no-newline"
        assert shell.call('echo "${x:-unset}"; exit 7').exit_code == 7
        assert shell.call("if (").exit_code != 0
        assert shell.call("cat").output == b""
        assert shell.call("exit 0").exit_code == 0


def test_errors_stay_in_the_call_and_the_order_in_which_they_were_printed(shared: Sshd) -> None:
    with Connection.open(shared.target()) as connection:
        shell = connection.shell()

        for _ in range(50):
            assert shell.call("echo 1; echo 2 >&2; echo 3; echo 4 >&2").output == b"1\n2\n3\n4\n"


def test_the_resident_shell_carries_any_bytes(shared: Sshd) -> None:
    data = os.urandom(300_000)
    with Connection.open(shared.target()) as connection:
        assert connection.shell().call("cat", stdin=data).output == data


def test_what_is_defined_in_the_resident_shell_stays(shared: Sshd) -> None:
    with Connection.open(shared.target()) as connection:
        shell = connection.shell()
        shell.define('greet() { echo "it\'s $1"; }')

        assert shell.call("greet me").output == b"it's me\n"


def test_a_broken_connection_is_noticed(own: Sshd) -> None:
    with Connection.open(own.target()) as connection:
        shell = connection.shell()
        own.stop()

        with pytest.raises(Unreachable):
            shell.call("true", timeout_s=5)

        assert not connection.alive


def test_a_host_is_reached_through_a_bastion(shared: Sshd) -> None:
    bastion = shared.target("bastion")
    with Connection.open(replace(shared.target("inner"), bastion=bastion)) as connection:
        assert connection.run("echo through").text == "through\n"


def test_what_lies_behind_a_bastion_and_does_not_answer_is_said_so(shared: Sshd) -> None:
    target = replace(shared.target("inner"), port=1, bastion=shared.target("bastion"))

    with pytest.raises(Unreachable, match=r"bastion cannot reach 127\.0\.0\.1 port 1"):
        Connection.connect(target)


@pytest.mark.django_db
def test_a_container_says_what_is_missing_for_a_login(shared: Sshd) -> None:
    container = make_container(make_cluster("loop"), "pg-1")

    with pytest.raises(AuthenticationFailed, match="pg-1 has no credential"):
        target_for(container)
    container.credential = make_credential(shared.key)
    with pytest.raises(HostKeyUnknown, match="not confirmed"):
        target_for(container)
    container.host_key = shared.host_key
    assert target_for(container).host.startswith("10.203.0.")
    container.ssh_network = "public"
    with pytest.raises(Unreachable, match="no public address"):
        target_for(container)


def test_what_the_end_of_its_channel_overtakes_hurts_no_other_channel(
    shared: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Connection.open(shared.target()) as connection:
        transport = connection._transport
        channel = transport.open_session()
        channel.exec_command("cat")
        send = transport._send_user_message  # type: ignore[attr-defined]

        def be_overtaken(message: object) -> None:
            monkeypatch.undo()
            channel.close()
            wait_until(lambda: transport._channels.get(channel.chanid) is None)  # type: ignore[attr-defined]
            send(message)

        monkeypatch.setattr(transport, "_send_user_message", be_overtaken)
        channel.send(b"late")

        assert connection.run("echo still").text == "still\n"
