"""Becoming root through a real sudo: with and without a password, and refused in words."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from inventory.ssh import AuthenticationFailed, Connection, Target
from tests import sudoer
from tests.sshd import Sshd, serving
from tests.sudoer import Sudoer

pytestmark = pytest.mark.skipif(bool(sudoer.missing()), reason=sudoer.missing() or "all is there")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """Run a server that takes keys from homes, and passwords."""
    with serving(tmp_path_factory.mktemp("sshd")) as running:
        running.restart("AuthorizedKeysFile .ssh/authorized_keys", "PasswordAuthentication yes")
        yield running


@pytest.fixture
def user() -> Iterator[Sudoer]:
    """Have a user of this machine."""
    with sudoer.living_here() as made:
        yield made


def whoami(target: Target) -> str:
    """Return who the resident shell runs as, twice: it must go on reading commands."""
    with Connection.open(target) as connection:
        shell = connection.shell()
        return shell.call("id -un").text.strip() + shell.call("cat", stdin=b"!").text


def refused(target: Target) -> str:
    """Return what is said of a login that does not become root."""
    with pytest.raises(AuthenticationFailed) as refusal:
        whoami(target)
    return str(refusal.value)


def test_sudo_without_a_password(server: Sshd, user: Sudoer) -> None:
    user.allow("{user} ALL=(ALL) NOPASSWD: ALL")

    assert whoami(user.target(server)) == "root!"


def test_a_key_logs_in_and_a_password_of_its_own_makes_it_root(server: Sshd, user: Sudoer) -> None:
    user.allow("{user} ALL=(ALL) ALL")

    assert whoami(user.target(server, sudo_password=user.password)) == "root!"


def test_the_login_password_is_sudos_too(server: Sshd, user: Sudoer) -> None:
    user.allow("{user} ALL=(ALL) ALL")

    assert whoami(user.target(server, key=None, password=user.password)) == "root!"


def test_sudo_asks_and_the_credential_has_no_password(server: Sshd, user: Sudoer) -> None:
    user.allow("{user} ALL=(ALL) ALL")

    said = refused(user.target(server))

    assert said == (
        f"sudo on {user.name} asks {user.name} for a password, but the credential has none."
    )


def test_a_wrong_password_is_said_quickly_and_not_shown(server: Sshd, user: Sudoer) -> None:
    user.allow("{user} ALL=(ALL) ALL")
    started = time.monotonic()

    said = refused(user.target(server, sudo_password="not-the-one"))

    assert said == f"sudo on {user.name} refuses the password of {user.name}."
    assert time.monotonic() - started < 8


def test_who_is_in_no_file_of_sudos_is_told_so(server: Sshd, user: Sudoer) -> None:
    said = refused(user.target(server, sudo_password=user.password))

    assert f"does not know {user.name}: add it to a file in /etc/sudoers.d" in said


def test_who_may_run_only_some_commands_is_told_so(server: Sshd, user: Sudoer) -> None:
    user.allow("{user} ALL=(ALL) NOPASSWD: /bin/ls")

    said = refused(user.target(server, sudo_password=user.password))

    assert f"does not let {user.name} run /bin/sh: allow ALL commands" in said


def test_a_sudo_that_wants_a_terminal_is_told_how_not_to(server: Sshd, user: Sudoer) -> None:
    user.allow("Defaults:{user} requiretty", "{user} ALL=(ALL) NOPASSWD: ALL")

    said = refused(user.target(server))

    assert f"wants a terminal (Defaults requiretty): add `Defaults:{user.name} !requiretty`" in said


def test_a_login_that_is_not_to_become_root_stays_itself(server: Sshd, user: Sudoer) -> None:
    user.allow("{user} ALL=(ALL) NOPASSWD: ALL")
    target = user.target(server, sudo=False)

    assert whoami(target) == f"{user.name}!"
