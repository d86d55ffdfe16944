"""What reaches a target: files byte for byte, a clean environment, a folder of its own."""

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from inventory.ssh import Connection
from provisioning.engine.pace import Pace
from provisioning.engine.target import SMALL, Fence, Poll, TargetShell
from tests.provisioning.engine.runs import wait_until
from tests.sshd import Sshd

AWKWARD = 'it\'s "quoted" `and` $more \\n %s ümlaut\n\n'


def run(sshd: Sshd, pace: Pace, **files: str) -> Poll:
    """Run an attempt of these files to its end and return its last poll."""
    attempt = uuid4()
    named = {name.replace("__", "/"): text for name, text in files.items()}
    with Connection.open(sshd.target()) as connection:
        target = TargetShell.open(connection, Fence(uuid4(), 1), pace)
        target.begin({attempt: named})
        wait_until(lambda: target.poll([attempt], 0)[0].state == "ended")
        return target.poll([attempt], 0)[0]


@pytest.mark.parametrize("text", [AWKWARD, AWKWARD * (SMALL // 10)], ids=["small", "large"])
def test_a_file_reaches_the_target_byte_for_byte(
    sshd: Sshd, pace: Pace, tmp_path: Path, text: str
) -> None:
    ended = run(sshd, pace, apply=f'cp "$STEP_DIR/files/a" {tmp_path}/copy', files__a=text)

    assert ended.outcome == "changed"
    assert (tmp_path / "copy").read_text() == text


def test_a_script_ends_at_its_first_failure(sshd: Sshd, pace: Pace) -> None:
    ended = run(sshd, pace, apply="set -eu\nfalse\necho too far\n")

    assert (ended.exit_code, ended.outcome, ended.phase) == (1, "failed", "apply")
    assert b"too far" not in ended.data


def test_a_script_sees_nothing_of_the_login_and_of_the_launcher(sshd: Sshd, pace: Pace) -> None:
    ended = run(sshd, pace, apply='env | cut -d= -f1; echo "$#"; umask')

    names = set(ended.data.decode().splitlines()[1:])
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {
        *("PATH", "HOME", "LC_ALL", "STEP_DIR", "0", "0022")
    }


def test_containers_of_one_machine_may_have_folders_of_their_own(
    sshd: Sshd, pace: Pace, tmp_path: Path
) -> None:
    run(sshd, replace(pace, base=f"{tmp_path}/of-{{container}}"), apply="true")

    assert len(list(tmp_path.glob("of-loopback/steps/*/exit"))) == 1


def test_a_short_step_makes_the_next_look_early_and_a_long_one_not_late() -> None:
    pace = Pace(first_poll_s=0.03, flush_s=0.25)

    assert [pace.first_look_s(last) for last in (0.01, 0.25, 900)] == [0.03, 0.2, 0.25]


def test_many_containers_are_looked_at_less_often_than_few() -> None:
    pace = Pace(poll_s=0.5)

    assert [pace.for_containers(count).poll_s for count in (3, 30, 300)] == [0.2, 0.3, 0.5]
