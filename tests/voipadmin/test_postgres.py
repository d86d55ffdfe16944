"""The embedded PostgreSQL survives what may happen to it."""

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.throwaway import binaries
from tests.voipadmin.portal import wait_until
from voipadmin.env import embedded_socket_dir
from voipadmin.errors import SetupError
from voipadmin.postgres import DATABASE, USER, Postgres


def server_on(folder: Path) -> Postgres:
    """Describe a server with the settings of the product."""
    folder.mkdir(parents=True, exist_ok=True)
    return Postgres(folder, binaries=binaries())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    """Start a server and stop it afterwards."""
    made = server_on(tmp_path)
    made.start()
    yield made
    made.stop()


def ask(folder: Path, query: str) -> str:
    """Run one query the way Django finds the server."""
    with psycopg.connect(
        host=str(embedded_socket_dir(folder)), user=USER, dbname=DATABASE, autocommit=True
    ) as connection:
        row = connection.execute(query.encode()).fetchone()
    return str(row[0]) if row else ""


def test_it_listens_on_a_private_socket_and_on_no_port(server: Postgres, tmp_path: Path) -> None:
    assert ask(tmp_path, "SHOW listen_addresses") == ""
    assert stat.S_IMODE(embedded_socket_dir(tmp_path).stat().st_mode) == 0o700
    assert ask(tmp_path, "SHOW server_encoding") == "UTF8"


def test_a_killed_postmaster_is_replaced_and_keeps_what_was_committed(
    server: Postgres, tmp_path: Path
) -> None:
    first = server.pid()
    assert first
    with psycopg.connect(host=str(server.socket_dir()), user=USER, dbname=DATABASE) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        connection.commit()

    os.kill(first, signal.SIGKILL)
    wait_until(lambda: server.pid() != first, "the end of the postmaster")
    server.start()

    assert server.pid() not in (None, first)
    assert ask(tmp_path, "SELECT answer FROM kept") == "42"


def test_one_that_runs_already_is_taken_over(server: Postgres, tmp_path: Path) -> None:
    second = server_on(tmp_path)

    second.start()

    assert second.pid() == server.pid()


def test_a_pid_file_that_names_a_stranger_does_not_matter(server: Postgres, tmp_path: Path) -> None:
    server.stop()
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n")
    assert server.pid() is None

    server.start()

    assert ask(tmp_path, "SELECT 1") == "1"


def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    server = server_on(deep)

    server.start()

    try:
        assert ask(deep, "SELECT 1") == "1"
        assert len(str(server.socket_dir())) < 100
        assert stat.S_IMODE(server.socket_dir().stat().st_mode) == 0o700
    finally:
        server.stop()
        server.socket_dir().rmdir()


def test_an_emptied_socket_directory_is_mended(server: Postgres, tmp_path: Path) -> None:
    server.socket_path().unlink()

    server.start()

    assert ask(tmp_path, "SELECT 1") == "1"


def test_an_interrupted_first_start_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "postgres/new/base").mkdir(parents=True)
    server = server_on(tmp_path)

    server.start()

    assert ask(tmp_path, "SELECT 1") == "1"
    server.stop()


def test_what_it_cannot_read_is_one_sentence(server: Postgres) -> None:
    server.stop()
    (server.data / "PG_VERSION").write_text("9.6\n")

    with pytest.raises(SetupError, match="did not start; its log is"):
        server.start()
