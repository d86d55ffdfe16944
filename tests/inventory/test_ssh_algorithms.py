"""A server with old algorithms only is refused in words that say what it has and what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from inventory.ssh import AlgorithmsRefused, Connection, fetch_host_key
from tests import sshd
from tests.sshd import Sshd, serving

pytestmark = pytest.mark.skipif(bool(sshd.missing()), reason=sshd.missing() or "sshd is there")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    """Run a server that a test may change."""
    with serving(tmp_path) as running:
        yield running


def refused(server: Sshd) -> str:
    """Return what is said of a server that offers nothing modern."""
    with (
        pytest.raises(AlgorithmsRefused) as refusal,
        Connection.open(replace(server.target("old-1"))),
    ):
        pass
    return str(refusal.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "KexAlgorithms diffie-hellman-group14-sha1",
            "its key exchanges are diffie-hellman-group14-sha1, and one of curve25519-sha256",
        ),
        ("Ciphers aes128-cbc", "its ciphers are aes128-cbc, and one of aes128-gcm@openssh.com"),
        ("MACs hmac-sha1", "its MACs are hmac-sha1, and one of hmac-sha2-256-etm@openssh.com"),
    ],
    ids=["kex", "ciphers", "macs"],
)
def test_an_old_algorithm_alone_is_refused(server: Sshd, line: str, words: str) -> None:
    server.restart(line)

    said = refused(server)

    assert said.startswith("old-1 offers only what is no longer safe: ")
    assert words in said
    assert f"({line.split()[0]} in its sshd_config)" in said
    assert said.endswith("Update its SSH server, or allow one of these there.")


def test_a_host_key_signed_with_sha1_alone_is_refused(server: Sshd) -> None:
    server.make_host_key("rsa")
    server.restart("HostKeyAlgorithms ssh-rsa")

    assert "its host keys are ssh-rsa, and one of ssh-ed25519" in refused(server)


def test_everything_old_is_named_at_once_and_before_any_login(server: Sshd) -> None:
    server.make_host_key("rsa")
    server.restart(
        "KexAlgorithms diffie-hellman-group14-sha1",
        "Ciphers aes128-cbc",
        "MACs hmac-sha1",
        "HostKeyAlgorithms ssh-rsa",
    )

    said = refused(server)

    for old in ("diffie-hellman-group14-sha1", "aes128-cbc", "hmac-sha1", "ssh-rsa"):
        assert old in said
    with pytest.raises(AlgorithmsRefused):
        fetch_host_key("127.0.0.1", server.port)
