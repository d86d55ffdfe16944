"""What each kind of step does, run by a real shell in a temporary folder."""

import grp
import os
import pwd
import subprocess
from pathlib import Path

import pytest
from pydantic import ValidationError

from provisioning.compile.base import Scripts
from provisioning.compile.command import CommandSpec, compile_command
from provisioning.compile.directory import DirectorySpec, compile_directory
from provisioning.compile.file import FileSpec, compile_file
from provisioning.compile.manual import ManualSpec, compile_manual
from provisioning.compile.mount import MountSpec, compile_mount
from provisioning.compile.packages import PackagesSpec, compile_packages
from provisioning.compile.service import ServiceSpec, compile_service
from provisioning.compile.user import UserSpec, compile_user
from provisioning.compile.wait_for import WaitForSpec, compile_wait_for
from tests.provisioning.scripts import carry_out, run_phase

OWNER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name


def file_at(path: Path, content: str, **fields: str) -> Scripts:
    """Return the scripts of a file that the test's own user may write."""
    return compile_file(
        FileSpec(path=str(path), content=content, owner=OWNER, group=GROUP, **fields)
    )


def test_a_file_is_written_once_and_then_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a file"
    scripts = file_at(path, "one\n", mode="0600")

    assert [carry_out(scripts, tmp_path) for _ in range(2)] == ["changed", "ok"]
    assert path.read_text() == "one\n"
    assert path.stat().st_mode & 0o7777 == 0o600
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a file", "step"]


def test_a_file_with_another_content_or_mode_is_put_right(tmp_path: Path) -> None:
    path = tmp_path / "file"
    scripts = file_at(path, "one\n")
    carry_out(scripts, tmp_path)

    path.write_text("two\n")
    assert carry_out(scripts, tmp_path) == "changed"
    path.chmod(0o666)
    assert carry_out(scripts, tmp_path) == "changed"

    assert path.read_text() == "one\n"
    assert path.stat().st_mode & 0o7777 == 0o644


def test_a_file_that_its_check_refuses_does_not_replace_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old\n")

    outcome = carry_out(file_at(path, "bad\n", check='grep -q good "$FILE"'), tmp_path)

    assert outcome == "failed:apply"
    assert path.read_text() == "old\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "step"]


def test_a_block_leaves_the_rest_of_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("127.0.0.1 localhost\n")
    path.chmod(0o644)

    first = carry_out(file_at(path, "10.0.0.1 one\n", block="demo"), tmp_path)
    path.write_text(path.read_text() + "10.9.9.9 mine\n")
    second = carry_out(file_at(path, "10.0.0.2 two\n", block="demo"), tmp_path)
    third = carry_out(file_at(path, "10.0.0.2 two\n", block="demo"), tmp_path)

    assert (first, second, third) == ("changed", "changed", "ok")
    assert path.read_text().splitlines() == [
        "127.0.0.1 localhost",
        "10.9.9.9 mine",
        "# >>> demo (managed, do not edit)",
        "10.0.0.2 two",
        "# <<< demo",
    ]


def test_a_directory_gets_its_mode_and_keeps_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder"
    spec = DirectorySpec(path=str(path), owner=OWNER, group=GROUP, mode="0700")

    outcomes = [carry_out(compile_directory(spec), tmp_path)]
    (path / "kept").touch()
    path.chmod(0o755)
    outcomes += [carry_out(compile_directory(spec), tmp_path) for _ in range(2)]

    assert outcomes == ["changed", "changed", "ok"]
    assert (path / "kept").exists()
    assert path.stat().st_mode & 0o7777 == 0o700


def test_a_command_runs_until_it_is_no_longer_needed(tmp_path: Path) -> None:
    made = tmp_path / "made"
    spec = CommandSpec(run=f"touch {made}", creates=str(made))

    assert [carry_out(compile_command(spec), tmp_path) for _ in range(2)] == ["changed", "ok"]


def test_every_line_of_a_condition_counts(tmp_path: Path) -> None:
    spec = CommandSpec(run="true", unless="false\ntrue")

    assert carry_out(compile_command(spec), tmp_path) == "failed:verify"


def test_a_command_stops_at_its_first_failing_line(tmp_path: Path) -> None:
    spec = CommandSpec(run=f"false\ntouch {tmp_path}/later", unless="false")

    assert carry_out(compile_command(spec), tmp_path) == "failed:apply"
    assert not (tmp_path / "later").exists()


def test_a_probe_may_refuse_to_go_on(tmp_path: Path) -> None:
    spec = CommandSpec(run=f"touch {tmp_path}/done", probe="echo never >&2; exit 1")

    assert carry_out(compile_command(spec), tmp_path) == "failed:probe"
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize("fields", [{}, {"unless": "true", "creates": "/etc/passwd"}])
def test_a_command_must_say_in_one_way_when_it_is_done(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="exactly one of unless, creates and probe"):
        CommandSpec(run="true", **fields)


def test_waiting_for_a_command_ends_when_it_succeeds(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    spec = WaitForSpec(command=f"echo x >> {counter}\n[ $(wc -l < {counter}) -ge 2 ]", timeout_s=10)

    assert carry_out(compile_wait_for(spec), tmp_path) == "changed"
    assert carry_out(compile_wait_for(spec), tmp_path) == "ok"


def test_waiting_ends_with_what_the_command_said(tmp_path: Path) -> None:
    spec = WaitForSpec(command="echo still starting; exit 1", timeout_s=1)

    ended = run_phase(compile_wait_for(spec), "apply", tmp_path)

    assert ended.returncode == 1
    assert "still starting\nNot so after 1 seconds." in ended.stderr


def test_waiting_for_a_port_that_nobody_listens_on_fails(tmp_path: Path) -> None:
    spec = WaitForSpec(tcp="127.0.0.1:1", timeout_s=1)

    assert carry_out(compile_wait_for(spec), tmp_path) == "failed:apply"


def test_work_by_hand_waits_for_its_evidence(tmp_path: Path) -> None:
    spec = ManualSpec(instructions="Make it.", evidence=f"[ -e {tmp_path}/made ]")
    scripts = compile_manual(spec)

    assert scripts.manual == "Make it."
    assert carry_out(scripts, tmp_path) == "failed:verify"
    (tmp_path / "made").touch()
    assert carry_out(scripts, tmp_path) == "ok"


def test_all_scripts_are_posix_sh() -> None:
    compiled = [
        compile_packages(PackagesSpec(apt=("nftables",), dnf=("nftables",))),
        compile_packages(PackagesSpec(dnf=("nftables",))),
        compile_service(ServiceSpec(name="etcd.service", watch=("/etc/default/etcd",))),
        compile_service(ServiceSpec(name="etcd.service", wait=False, on_change="nothing")),
        compile_service(ServiceSpec(name="a.service", enabled=False, state="stopped")),
        compile_mount(MountSpec(device="/dev/sdb1", path="/srv", type="ext4")),
        compile_user(UserSpec(name="somebody", groups=("adm",), home="/srv/somebody")),
        compile_wait_for(WaitForSpec(http="http://127.0.0.1:8008/health")),
    ]

    for scripts in compiled:
        for text in (scripts.probe, scripts.apply, scripts.verify, *scripts.files.values()):
            assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0
