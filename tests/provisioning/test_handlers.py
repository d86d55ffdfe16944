"""Handlers run once, after something has changed, and lose nothing in a crash."""

from pathlib import Path

import pytest

from provisioning.compile.base import Scripts
from provisioning.compile.command import CommandSpec, compile_command
from provisioning.compile.handler import (
    HandlerCommandSpec,
    RestartSpec,
    compile_handler,
    leaving_marks,
)
from tests.provisioning.scripts import carry_out, make_programs, preview, run_phase, seen

KEY = "web.app.reload"
# Stands in for systemd at the edge of the machine: it notes what it is told.
SYSTEMCTL = '[ "$1" = is-active ] || echo "$*" >>"$STEP_DIR/log"'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What handlers write to."""
    return tmp_path / "log"


def handler(log: Path, *, works: str = "true") -> Scripts:
    """Return a handler that notes that it ran, and then works or not."""
    spec = HandlerCommandSpec(run=f"echo ran >> {log}\n{works}", verify=works)
    return compile_handler(spec, handler=KEY, because=["Write it", "Write more"])


def notifying(run: str, *, unless: str) -> Scripts:
    """Return a step that notifies the handler."""
    return leaving_marks(compile_command(CommandSpec(run=run, unless=unless)), [KEY])


def test_a_handler_runs_once_after_steps_changed_something(tmp_path: Path, log: Path) -> None:
    made = tmp_path / "made"
    steps = [
        notifying(f"echo {text} > {made}", unless=f"grep -q {text} {made}") for text in ("a", "b")
    ]

    assert carry_out(handler(log), tmp_path) == "ok"
    assert [carry_out(step, tmp_path) for step in steps] == ["changed", "changed"]
    assert [carry_out(handler(log), tmp_path) for _ in range(2)] == ["changed", "ok"]
    assert log.read_text() == "ran\n"


def test_a_step_that_changes_nothing_notifies_nobody(tmp_path: Path, log: Path) -> None:
    assert carry_out(notifying("false", unless="true"), tmp_path) == "ok"
    assert carry_out(handler(log), tmp_path) == "ok"
    assert not log.exists()


def test_a_change_before_a_crash_still_has_its_handler(tmp_path: Path, log: Path) -> None:
    made = tmp_path / "made"
    crashing = notifying(f"touch {made}\nkill -9 $$", unless=f"[ -e {made} ]")

    assert carry_out(crashing, tmp_path) == "failed:apply"
    assert carry_out(crashing, tmp_path) == "ok"
    assert carry_out(handler(log), tmp_path) == "changed"


def test_a_handler_that_failed_is_due_again(tmp_path: Path, log: Path) -> None:
    carry_out(notifying("true", unless="false"), tmp_path)

    assert carry_out(handler(log, works="false"), tmp_path) == "failed:apply"
    assert carry_out(handler(log), tmp_path) == "changed"
    assert log.read_text() == "ran\nran\n"


@pytest.mark.parametrize(
    ("action", "word"), [("restart", "restart"), ("reload", "reload-or-restart")]
)
def test_a_service_is_restarted_or_reloaded(tmp_path: Path, action: str, word: str) -> None:
    # Stands in for systemd at the edge of the machine.
    systemctl = (
        'case $1 in is-active) [ -e "$STEP_DIR/log" ] ;; *) echo "$*" >>"$STEP_DIR/log" ;; esac'
    )
    programs = make_programs(tmp_path / "bin", systemctl=systemctl)
    spec = RestartSpec.model_validate({"name": "app.service", "action": action})
    scripts = compile_handler(spec, handler=KEY, because=["Write it"])
    carry_out(notifying("true", unless="false"), tmp_path)

    outcomes = [carry_out(scripts, tmp_path, programs=programs) for _ in range(2)]

    assert outcomes == ["changed", "ok"]
    assert (tmp_path / "step" / "log").read_text().splitlines()[-1] == f"{word} app.service"


def test_a_service_that_does_not_come_back_leaves_its_handler_due(tmp_path: Path) -> None:
    # Stands in for a unit that ends at once.
    programs = make_programs(tmp_path / "bin", systemctl='[ "$1" != is-active ]')
    scripts = compile_handler(RestartSpec(name="app.service"), handler=KEY, because=["Write it"])
    carry_out(notifying("true", unless="false"), tmp_path)

    assert carry_out(scripts, tmp_path, programs=programs) == "failed:apply"
    assert run_phase(scripts, "probe", tmp_path).returncode == 10


def test_a_preview_says_when_a_handler_would_run(tmp_path: Path, log: Path) -> None:
    (tmp_path / "step" / "files").mkdir(parents=True)
    before = seen(tmp_path)

    said = preview(handler(log), tmp_path)

    assert said == (
        f"would run: echo ran >> {log} (and 1 more lines) if one of these changes something: "
        "Write it; Write more\n"
    )
    assert seen(tmp_path) == before
