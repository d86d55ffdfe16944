#!/usr/bin/python3
"""Is this server in order? A stand-in for tests: it uses what the real software would use.

It reads the files that the vendor's guide names, writes through port 5000, reads that through port
5001, and writes (or reads, where it may only read) on the mount of the recordings. `health.py ROLE`
prints JSON with every fault, and exits with 1 when there is one.
"""

import configparser
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

CREDENTIALS = Path("/etc/softswitch/db-credentials")
ODBC = Path("/etc/odbc.ini")
RECORDINGS = "/var/lib/freeswitch/recordings"
SETTINGS = {
    "api": Path("/var/www/softswitch/.env"),
    "portal": Path("/var/www/softswitch-portal/.env"),
    "switchboard": Path("/var/www/softswitch-switchboard/.env"),
}
TIMEOUT_S = 8
MAKE_TABLE = "CREATE TABLE IF NOT EXISTS stand_in (host text PRIMARY KEY, token text)"
HOST = socket.gethostname()


class Fault(Exception):
    """Something is not in order; the message says what, and never a password."""


def main() -> None:
    """Print the health of a role; the exit status tells it, too."""
    faults = list(faults_of(sys.argv[1]))
    state = "failing" if faults else "ok"
    print(json.dumps({"status": state, "stand_in": "for tests", "host": HOST, "faults": faults}))
    sys.exit(1 if faults else 0)


def faults_of(role: str) -> Iterator[str]:
    """Yield what is wrong, all of it."""
    checks = [through_odbc] if role == "telephony" else [through_urls(role), by_credentials]
    if role != "switchboard":
        checks.append(lambda: on_the_mount(read_only_will_do=role != "telephony"))
    for check in checks:
        try:
            check()
        except (Fault, OSError, KeyError, subprocess.TimeoutExpired) as fault:
            yield f"{type(fault).__name__}: {fault}"


def through_urls(role: str) -> Callable[[], None]:
    """Return a check of all databases that the role's settings name."""

    def check() -> None:
        urls = {name: url for name, url in read_settings(SETTINGS[role]) if name.endswith("_URL")}
        token = secrets.token_hex(8)
        sql(urls["DATABASE_URL"], f"{MAKE_TABLE}; {upsert(token)}")
        wait_to_read(lambda: sql(urls["READ_DATABASE_URL"], select()), token)
        for url in urls.values():
            sql(url, "SELECT 1")

    return check


def by_credentials() -> None:
    """Log in with the file of credentials."""
    known = dict(read_settings(CREDENTIALS))
    user, host, port = known["DB_USER"], known["DB_HOST"], known["DB_PORT"]
    sql(f"postgresql://{user}:{known['DB_PASSWORD']}@{host}:{port}/ss_admin", "SELECT 1")


def through_odbc() -> None:
    """Write and read as FreeSWITCH does, through ODBC; the reading source is beside the other."""
    sources = configparser.ConfigParser(interpolation=None)
    if not sources.read(ODBC):
        raise Fault(f"{ODBC} cannot be read")
    token = secrets.token_hex(8)
    odbc("ss_telephony", f"{MAKE_TABLE}; {upsert(token)}")
    wait_to_read(lambda: odbc("ss_telephony_read", select()), token)


def upsert(token: str) -> str:
    """Return the statement that notes a token for this host."""
    return (
        f"INSERT INTO stand_in VALUES ('{HOST}', '{token}') "
        "ON CONFLICT (host) DO UPDATE SET token = excluded.token"
    )


def select() -> str:
    """Return the statement that reads this host's token."""
    return f"SELECT token FROM stand_in WHERE host = '{HOST}'"


def wait_to_read(read: Callable[[], str], token: str) -> None:
    """Read until the token arrives: a replica may be a moment behind."""
    deadline = time.monotonic() + TIMEOUT_S
    while token not in read():
        if time.monotonic() > deadline:
            raise Fault("what was written through port 5000 was not read through port 5001")
        time.sleep(0.2)


def read_settings(path: Path) -> Iterator[tuple[str, str]]:
    """Yield names and values of a file of settings; without quotes."""
    for line in path.read_text().splitlines():
        name, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            yield name.strip(), value.strip().strip('"')


def sql(url: str, statements: str) -> str:
    """Run statements; the password is in the environment, never in a command line."""
    parts = urlsplit(url)
    target = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port),
        "PGUSER": parts.username or "",
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": parts.path.strip("/"),
        "PGCONNECT_TIMEOUT": "4",
        "PGOPTIONS": "-c client_min_messages=warning",
    }
    command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statements]
    return run(command, f"port {parts.port}", env={**os.environ, **target})


def odbc(source: str, statements: str) -> str:
    """Run statements through an ODBC source, which knows its password itself."""
    return run(["isql", "-b", "-v", source], f"ODBC {source}", given=f"{statements}\n")


def run(
    command: list[str], what: str, *, given: str = "", env: dict[str, str] | None = None
) -> str:
    """Return what a command printed; raises Fault with its last line."""
    done = subprocess.run(
        command,
        input=given,
        env=env,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode or "[ISQL]ERROR" in done.stdout + done.stderr:
        said = " ".join((done.stderr + done.stdout).split())
        raise Fault(f"{what}: {said[:300]}")
    return done.stdout


def on_the_mount(*, read_only_will_do: bool) -> None:
    """Write and read a file on the mount of the recordings, or list it where it is read-only."""
    options = mount_options()
    if "ro" in options and read_only_will_do:
        list(Path(RECORDINGS).iterdir())
        return
    if "ro" in options:
        raise Fault(f"{RECORDINGS} is mounted read-only")
    file, token = Path(RECORDINGS, f".stand-in-{HOST}-{os.getpid()}"), secrets.token_hex(8)
    file.write_text(token)
    try:
        if file.read_text() != token:
            raise Fault(f"{file} was read differently from how it was written")
    finally:
        file.unlink()


def mount_options() -> list[str]:
    """Return how the recordings are mounted; raises Fault when they are not."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, path, kind, options, *_ = line.split()
        if path == RECORDINGS and kind in ("fuse.glusterfs", "nfs", "nfs4"):
            return options.split(",")
    raise Fault(f"{RECORDINGS} is not mounted")


if __name__ == "__main__":
    main()
