"""What a dry run says of everything but files; that nothing has changed afterwards."""

from pathlib import Path

import pytest

from provisioning.compile.base import Scripts
from provisioning.compile.command import CommandSpec, compile_command
from provisioning.compile.manual import ManualSpec, compile_manual
from provisioning.compile.mount import MountSpec, compile_mount
from provisioning.compile.service import ServiceSpec, compile_service
from provisioning.compile.user import UserSpec, compile_user
from provisioning.compile.wait_for import WaitForSpec, compile_wait_for
from provisioning.planning import plan
from provisioning.runbook.load import load_runbooks
from tests.provisioning.scripts import carry_out, make_programs, preview, run_phase, seen
from tests.provisioning.topologies import make_topology

# Stands in for systemd at the edge of the machine: a unit runs while there is a file `running`.
SYSTEMCTL = """
case $1 in
    is-active) [ -e "$STEP_DIR/running" ] ;;
    is-enabled) [ -e "$STEP_DIR/enabled" ] ;;
    enable) touch "$STEP_DIR/enabled" ;;
    start | restart | reload | reload-or-restart) echo "$1 $2" >>"$STEP_DIR/running" ;;
    stop) rm "$STEP_DIR/running" ;;
esac
"""


def looked(scripts: Scripts, folder: Path, programs: Path | None = None) -> str:
    """Return what a preview prints; everything in the folder must stay as it was."""
    (folder / "step" / "files").mkdir(parents=True, exist_ok=True)
    for name, text in scripts.files.items():
        (folder / "step" / "files" / name).write_text(text)
    before = {n: v for n, v in seen(folder).items() if not n.startswith("step/files")}
    said = preview(scripts, folder, programs=programs)

    assert {n: v for n, v in seen(folder).items() if not n.startswith("step/files")} == before
    return said


@pytest.fixture
def systemd(tmp_path: Path) -> Path:
    """A machine's programs with a stand-in for systemctl."""
    return make_programs(tmp_path / "bin", systemctl=SYSTEMCTL)


def test_a_command_says_what_it_would_run_and_does_not(tmp_path: Path) -> None:
    spec = CommandSpec(run=f"\ntouch {tmp_path}/made\ntrue\n", creates=f"{tmp_path}/made")

    assert looked(compile_command(spec), tmp_path) == (
        f"would run: touch {tmp_path}/made (and 1 more lines)\n"
    )


def test_waiting_says_for_what_and_how_long(tmp_path: Path) -> None:
    ports = compile_wait_for(WaitForSpec(tcp="10.0.0.1:22\n  10.0.0.2:22", timeout_s=9))
    command = compile_wait_for(WaitForSpec(command="grep -q it's /etc/motd"))

    assert looked(ports, tmp_path) == "would wait up to 9 s for: 10.0.0.1:22 10.0.0.2:22\n"
    assert looked(command, tmp_path) == "would wait up to 60 s for: grep -q it's /etc/motd\n"


def test_work_by_hand_and_approvals_are_announced(tmp_path: Path) -> None:
    work = compile_manual(ManualSpec(instructions="Plug it in.\nThen wait."))
    approval = compile_manual(ManualSpec(instructions="May it begin?", approval=True))

    assert looked(work, tmp_path) == "would ask a person: Plug it in. (and 1 more lines)\n"
    assert looked(approval, tmp_path) == "would ask for an approval: May it begin?\n"


def test_a_user_that_is_missing_would_be_made(tmp_path: Path) -> None:
    scripts = compile_user(UserSpec(name="nobody-yet", groups=("adm",), home="/srv/nobody yet"))

    assert looked(scripts, tmp_path).splitlines() == [
        (
            "would make the user nobody-yet: useradd --shell /usr/sbin/nologin --system "
            "--create-home --home-dir '/srv/nobody yet'"
        ),
        "would add nobody-yet to the group adm",
    ]


def test_a_mount_shows_the_line_that_would_be_added(tmp_path: Path) -> None:
    path = tmp_path / "mounted"
    scripts = compile_mount(MountSpec(device="tmpfs", path=str(path), type="tmpfs"))

    assert looked(scripts, tmp_path).splitlines() == [
        "/etc/fstab:",
        f"would make the directory {path}",
        f"+tmpfs {path} tmpfs defaults 0 0",
        f"would mount {path}",
    ]


def test_a_service_would_be_enabled_and_started(tmp_path: Path, systemd: Path) -> None:
    scripts = compile_service(ServiceSpec(name="app.service"))

    assert looked(scripts, tmp_path, systemd) == (
        "would enable app.service\nwould start app.service\n"
    )


def test_a_service_would_restart_because_of_the_file_that_changed(
    tmp_path: Path, systemd: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("1")
    other.write_text("1")
    spec = ServiceSpec(name="app.service", watch=(str(one), str(other)))
    scripts = compile_service(spec)
    assert carry_out(scripts, tmp_path, programs=systemd) == "changed"

    steady = looked(scripts, tmp_path, systemd)
    other.write_text("2")
    changed = looked(scripts, tmp_path, systemd)

    assert steady == f"would restart app.service if one of these changes: {one} {other}\n"
    assert changed == f"would restart app.service because of: {other}\n"


def test_a_service_that_runs_and_must_not_would_be_stopped(tmp_path: Path, systemd: Path) -> None:
    scripts = compile_service(ServiceSpec(name="app.service", enabled=None, state="stopped"))

    before = looked(scripts, tmp_path, systemd)
    (tmp_path / "step" / "running").touch()
    after = looked(scripts, tmp_path, systemd)

    assert (before, after) == ("", "would stop app.service\n")


def test_every_preview_of_our_runbooks_ends_well_on_a_machine_that_has_nothing(
    tmp_path: Path,
) -> None:
    steps = plan(make_topology(), load_runbooks("ring2all")).steps
    # Those of packages are slow where apt knows a lot, and have tests of their own.
    quick = [step for step in steps if step.node == "pg-node-01" and step.kind != "packages"]

    failed = [
        step.key for step in quick if run_phase(step, "preview", tmp_path / step.key).returncode
    ]

    assert failed == []
