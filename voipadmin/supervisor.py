"""Start everything on one machine, keep it alive, stop all of it. Imports nothing of Django."""

import os
import secrets
import signal
import socket
import time
from pathlib import Path
from types import FrameType

from voipadmin.errors import SetupError
from voipadmin.postgres import Postgres, embedded_binaries
from voipadmin.processes import kill_marked
from voipadmin.service import Service, environment, stop_all
from voipadmin.startup import (
    AlreadyRunning,
    Options,
    holding,
    listen,
    make_data_dir,
    options,
    uses_embedded_database,
)

MARK = "VOIPADMIN_SUPERVISOR"
WATCH_EVERY_S = 0.5
ANSWERS_WITHIN_S = 60
STOP_WITHIN_S = 15


class Stopped(BaseException):
    """Somebody asked us to stop."""


def up() -> int:
    """Bring everything up and stay until told to stop; returns the exit code."""
    chosen = options()
    make_data_dir(chosen.data_dir)
    about = {"address": chosen.address, "pid": os.getpid()}
    try:
        heed_stop_signals()
        with holding(chosen.data_dir, about):
            end_orphans(chosen.data_dir)
            with listen(chosen.bind, chosen.port) as listener:
                run(chosen, listener)
    except AlreadyRunning as answer:
        print(answer)
    except Stopped:
        print("voipadmin has stopped.", flush=True)
    return 0


def run(chosen: Options, listener: socket.socket) -> None:
    """Start database, preparation and services, then watch them for ever."""
    mark = (MARK, remember_mark(chosen.data_dir))
    env = environment(chosen.data_dir, mark)
    postgres = embedded(chosen.data_dir) if uses_embedded_database() else None
    prepare = Service(name="prepare", command=["manage.py", "prepare"], env=env)
    services = make_services(env, chosen.data_dir, listener.fileno())
    try:
        if postgres:
            postgres.start()
        finish(prepare)
        for service in services:
            service.start()
        announce(chosen, services)
        while True:
            watch(postgres, services)
    finally:
        ignore_stop_signals()
        stop_all([prepare, *services], within_s=STOP_WITHIN_S)
        kill_marked(*mark)
        if postgres:
            postgres.stop()


def embedded(data_dir: Path) -> Postgres:
    """Describe the embedded database of this data folder."""
    return Postgres(data_dir, binaries=embedded_binaries())


def make_services(env: dict[str, str], data_dir: Path, listener: int) -> list[Service]:
    """List what runs beside the database."""
    beats = data_dir / "heartbeat"
    (beats / "worker").mkdir(parents=True, exist_ok=True)
    web = ["-m", "gunicorn", "--config", "python:voipadmin.gunicorn", "voipadmin.wsgi"]
    return [
        Service(
            name="web",
            command=[*web, "--bind", f"fd://{listener}"],
            env=env,
            pass_fds=[listener],
        ),
        Service(
            name="worker",
            command=["manage.py", "work"],
            env=env,
            whole_family=True,
            heartbeat=beats / "worker",  # django-q2's sentinel writes its Stat there twice a second
            stalled_after_s=float(os.environ.get("VOIPADMIN_STALLED_AFTER_S", "60")),
        ),
        Service(
            name="collector",
            command=["manage.py", "collect"],
            env=env | {"VOIPADMIN_HEARTBEAT": str(beats / "collector")},
            heartbeat=beats / "collector",
            stalled_after_s=180,
        ),
    ]


def finish(prepare: Service) -> None:
    """Run the preparation to its end; it says itself what is wrong."""
    prepare.start()
    if not prepare.process or prepare.process.wait() != 0:
        raise SetupError("The preparation did not finish, so nothing was started.")


def announce(chosen: Options, services: list[Service]) -> None:
    """Tell the address once the web server answers there."""
    deadline = time.monotonic() + ANSWERS_WITHIN_S
    while not answers(chosen):
        if time.monotonic() > deadline:
            raise SetupError("The web server did not answer; its messages are above.")
        watch(None, services)
    print(f"\nvoipadmin is ready: open {chosen.address} (Ctrl-C stops it).\n", flush=True)


def answers(chosen: Options) -> bool:
    """Ask the web server for anything at all."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(chosen.bind, chosen.bind)  # noqa: S104
    try:
        with socket.create_connection((host, chosen.port), timeout=2) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return connection.recv(5) == b"HTTP/"
    except OSError:
        return False


def watch(postgres: Postgres | None, services: list[Service]) -> None:
    """Look once after everything."""
    if postgres and not postgres.is_ready():
        print("The database ended; starting it again.", flush=True)
        postgres.start()
    for service in services:
        service.watch()
    time.sleep(WATCH_EVERY_S)


def remember_mark(data_dir: Path) -> str:
    """Choose the mark of everything we start and write it down before anything starts."""
    mark = secrets.token_hex(16)
    path = data_dir / "supervisor.mark"
    path.with_suffix(".new").write_text(mark)
    path.with_suffix(".new").replace(path)
    return mark


def end_orphans(data_dir: Path) -> None:
    """Kill what a supervisor that was itself killed left behind; its database is taken over."""
    path = data_dir / "supervisor.mark"
    if path.exists() and (left := kill_marked(MARK, path.read_text())):
        print(f"Ended {left} processes that an earlier start left behind.", flush=True)


def heed_stop_signals() -> None:
    """Turn the first Ctrl-C, SIGTERM or hang-up into Stopped."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        ignore_stop_signals()
        raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def ignore_stop_signals() -> None:
    """Let nothing interrupt the stopping."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
