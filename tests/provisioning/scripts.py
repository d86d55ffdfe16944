"""Runs compiled scripts with a real shell in a temporary folder, and looks what they changed."""

import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from provisioning.compile.base import STATE_DIR, Scripts
from provisioning.steps import CompiledStep

# What the scripts search for programs, and where the portal keeps its marks and stamps.
SEARCHED = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
TOOLS = (
    "sh",
    "awk",
    "cat",
    "dirname",
    "touch",
    "rm",
    "mkdir",
    "mv",
    "stat",
    "sha256sum",
    "grep",
    "sync",
)


def carry_out(scripts: Scripts, folder: Path, *, programs: Path | None = None) -> str:
    """Run probe, apply and verify as the engine does; return the outcome.

    The portal's own folder on a machine is `folder/state`; with `programs` there are no others.
    """
    for phase, good in (("probe", 10), ("apply", 0), ("verify", 0)):
        done = run_phase(scripts, phase, folder, programs=programs)
        if phase == "probe" and done.returncode == 0:
            return "ok"
        if done.returncode != good:
            return f"failed:{phase}"
    return "changed"


def preview(
    scripts: Scripts,
    folder: Path,
    *,
    programs: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Return what a preview prints; it must end well and say nothing else."""
    done = run_phase(scripts, "preview", folder, programs=programs, environment=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def run_phase(
    scripts: Scripts | CompiledStep,
    phase: str,
    folder: Path,
    *,
    programs: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run one of the scripts beside its files."""
    files = folder / "step" / "files"
    files.mkdir(parents=True, exist_ok=True)
    for name, text in scripts.files.items():
        (files / name).write_text(text)
    text = str(getattr(scripts, phase)).replace(STATE_DIR, str(folder / "state"))
    if programs:
        text = text.replace(SEARCHED, f"PATH={programs}")
    return subprocess.run(
        ["sh", "-c", text],
        env={"STEP_DIR": str(folder / "step"), **(environment or {})},
        check=False,
        text=True,
        capture_output=True,
    )


def make_programs(folder: Path, **scripts: str) -> Path:
    """Make stand-ins for programs of a machine, beside a few real tools; return their folder."""
    folder.mkdir()
    for name in TOOLS:
        (folder / name).symlink_to(str(shutil.which(name)))
    for name, text in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return folder


def seen(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Return mode, time of change and content's hash of everything in a folder."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mode,
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in (folder, *folder.rglob("*"))
    }
