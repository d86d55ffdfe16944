"""What `make up` cannot do it says in one sentence, without a trace, and leaves nothing behind."""

import socket
from pathlib import Path

import pytest

from tests.voipadmin.portal import Portal, free_port
from voipadmin.management.commands.prepare import age_fault


def test_a_port_that_is_taken(portal: Portal) -> None:
    with socket.create_server(("127.0.0.1", portal.port)):
        code, said = portal.run()

    assert code == 1
    assert said == (
        f"voipadmin: Port {portal.port} on 127.0.0.1 cannot be used (Address already in use):"
        " free it, or name another in VOIPADMIN_PORT.\n"
    )
    assert portal.postgres.pid() is None


@pytest.mark.parametrize("port", ["0", "65536", "web", "-1"])
def test_a_port_that_is_none(portal: Portal, port: str) -> None:
    portal.environment["VOIPADMIN_PORT"] = port

    assert portal.run() == (1, f"voipadmin: VOIPADMIN_PORT must be a port number, not '{port}'.\n")


def test_a_data_folder_that_cannot_be_written(portal: Portal) -> None:
    # Below /proc not even root makes folders.
    portal.environment["VOIPADMIN_DATA_DIR"] = "/proc/voipadmin"

    code, said = portal.run()

    assert code == 1
    assert said.startswith("voipadmin: The data folder /proc/voipadmin cannot be written (")
    assert said.count("\n") == 1


def test_a_data_folder_that_is_a_file(portal: Portal, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    portal.environment["VOIPADMIN_DATA_DIR"] = str(tmp_path / "file")

    code, said = portal.run()

    assert code == 1
    assert "cannot be written" in said
    assert said.count("\n") == 1


def test_a_database_that_does_not_answer(portal: Portal) -> None:
    portal.environment["DATABASE_URL"] = f"postgres://someone@127.0.0.1:{free_port()}/voipadmin"
    portal.environment["VOIPADMIN_DATABASE_WAIT_S"] = "1"

    code, said = portal.run()

    assert code == 1
    assert "voipadmin: The database does not answer: " in said
    assert "Traceback" not in said
    assert portal.processes() == set()
    assert not portal.postgres.data.exists()


def test_a_database_that_is_too_old() -> None:
    assert age_fault(14) == "PostgreSQL 14 is too old: voipadmin needs 15 or later."
    assert age_fault(15) == age_fault(18) == ""


def test_an_administrators_password_that_was_given_is_not_shown(portal: Portal) -> None:
    portal.environment["VOIPADMIN_ADMIN_PASSWORD"] = "correct horse battery"

    portal.up()

    assert "the password from VOIPADMIN_ADMIN_PASSWORD" in portal.said()
    assert "correct horse" not in portal.said()
