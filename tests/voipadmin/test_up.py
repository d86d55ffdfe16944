"""`make up`: once, twice, stopped, killed."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.voipadmin.portal import Portal, wait_until
from voipadmin.processes import children, is_alive, send

COUNT_ADMINISTRATORS = (
    "from django.contrib.auth.models import User; "
    "print('administrators', User.objects.filter(is_superuser=True).count())"
)


def password(said: str) -> str:
    """Return the password that a start printed, or nothing."""
    found = re.search(r"user admin, password (\S+)", said)
    return found[1] if found else ""


def test_up_starts_everything_and_prints_one_password_once(portal: Portal) -> None:
    first = portal.up()

    assert portal.status() == 200
    assert f"open http://127.0.0.1:{portal.port}/" in portal.said()
    check = "from django.contrib.auth import authenticate; "
    check += f"print('user', authenticate(username='admin', password={password(portal.said())!r}))"
    assert "user admin" in portal.manage("shell", "-c", check)

    first.send_signal(signal.SIGINT)
    first.wait(30)
    portal.up()

    assert password(portal.said()) == ""
    assert "administrators 1" in portal.manage("shell", "-c", COUNT_ADMINISTRATORS)


def test_a_second_up_says_where_the_first_one_serves(portal: Portal) -> None:
    first = portal.up()
    running = portal.processes()
    portal.environment["VOIPADMIN_PORT"] = "1"  # it asks nobody for a port

    code, said = portal.run()

    assert code == 0
    assert said == (
        f"voipadmin is already running at http://127.0.0.1:{portal.port}/ (process {first.pid}).\n"
    )
    assert portal.processes() == running


def test_ctrl_c_stops_all_it_started_and_nothing_else(portal: Portal) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"],
        env=portal.environment,
        stdin=subprocess.PIPE,
    ) as bystander:
        supervisor = portal.up()

        os.killpg(supervisor.pid, signal.SIGINT)  # as a terminal does
        code = supervisor.wait(30)

        assert code == 0
        assert portal.processes() == set()
        assert portal.postgres.pid() is None
        assert portal.status() == 0
        assert bystander.poll() is None
        bystander.communicate()


def test_a_hundred_interrupts_stop_it_as_well_as_one(portal: Portal) -> None:
    supervisor = portal.up()

    for _ in range(100):
        supervisor.send_signal(signal.SIGINT)
    code = supervisor.wait(30)

    assert code == 0
    assert portal.processes() == set()
    assert portal.postgres.pid() is None


def test_an_interrupt_during_preparation_leaves_nothing(portal: Portal) -> None:
    supervisor = portal.start()
    wait_until(portal.processes, "the preparation")

    supervisor.send_signal(signal.SIGTERM)
    supervisor.wait(30)

    assert portal.processes() == set()
    assert portal.postgres.pid() is None
    portal.up()
    assert portal.status() == 200


def test_killed_it_recovers_with_the_next_up(portal: Portal) -> None:
    supervisor = portal.up()
    orphans = portal.processes()
    database = portal.postgres.pid()

    supervisor.kill()
    supervisor.wait()
    assert {pid for pid in orphans if is_alive(pid)} == orphans
    portal.up()

    assert not any(is_alive(pid) for pid in orphans)
    assert portal.postgres.pid() == database
    assert portal.status() == 200
    assert password(portal.said()) == ""
    assert "administrators 1" in portal.manage("shell", "-c", COUNT_ADMINISTRATORS)


def test_everything_killed_at_once_it_recovers_too(portal: Portal) -> None:
    supervisor = portal.up()
    database = portal.postgres.pid()
    assert database

    for pid in (supervisor.pid, database, *portal.processes()):
        os.kill(pid, signal.SIGKILL)
    supervisor.wait()
    portal.up()

    assert portal.postgres.pid() not in (None, database)
    assert "administrators 1" in portal.manage("shell", "-c", COUNT_ADMINISTRATORS)


def test_what_dies_is_started_again(portal: Portal) -> None:
    portal.up()
    database = portal.postgres.pid()
    gunicorn = next(pid for pid in sorted(portal.processes()) if "gunicorn" in command(pid))
    assert database

    os.kill(gunicorn, signal.SIGKILL)
    os.kill(database, signal.SIGKILL)

    wait_until(lambda: portal.postgres.pid() not in (None, database), "another database")
    wait_until(lambda: "web ended (SIGKILL)" in portal.said(), "the message")
    wait_until(lambda: portal.status() == 200, "pages again")


def test_a_killed_worker_makes_the_whole_queue_start_again(portal: Portal) -> None:
    portal.up()
    first = min(pid for pid in portal.processes() if "manage.py\0work" in command(pid))
    wait_until(lambda: len(grandchildren(first)) >= 4, "workers, pusher and monitor")
    family = {first, *children(first), *grandchildren(first)}

    # Again and again, because one that dies before the supervisor first looked is not missed.
    wait_until(lambda: kill_one(grandchildren(first)) or not is_alive(first), "the restart")

    wait_until(lambda: not any(is_alive(pid) for pid in family), "the end of the old family")
    assert "worker lost one of its processes" in portal.said()
    wait_until(
        lambda: any("manage.py\0work" in command(pid) for pid in portal.processes()), "a new family"
    )


def test_a_queue_that_stands_still_is_started_again(portal: Portal, tmp_path: Path) -> None:
    portal.environment["VOIPADMIN_STALLED_AFTER_S"] = "3"
    portal.up()
    first = min(pid for pid in portal.processes() if "manage.py\0work" in command(pid))
    wait_until(lambda: children(first), "the sentinel")

    os.kill(next(iter(children(first))), signal.SIGSTOP)

    wait_until(lambda: "worker stalls" in portal.said(), "the message")
    wait_until(lambda: not is_alive(first), "the end of the old family")


def command(pid: int) -> str:
    """Return the command line of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def kill_one(pids: set[int]) -> bool:
    """Kill the eldest of them, if there are any; False, to go on."""
    for pid in sorted(pids)[:1]:
        send(pid, signal.SIGKILL)
    return False


def grandchildren(pid: int) -> set[int]:
    """Return the processes two steps below one."""
    return set().union(*(children(child) for child in children(pid)))
