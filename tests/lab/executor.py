"""Carry a compiled plan out on lab hosts, as simply as can be: to try runbooks, not the engine.

Stages in order, containers in parallel, the steps of one container in order, over one kept
connection per host. The portal's engine does the same with everything that makes it durable.
"""

import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from provisioning.steps import NEEDS_APPLY, CompiledStep, Plan, Stage, reveal

STEPS = "/var/lib/voipadmin/steps"
SSH_OPTIONS = (
    "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
    "-o", "LogLevel=ERROR", "-o", "ControlMaster=auto", "-o", "ControlPersist=300",
    "-o", "ConnectTimeout=10",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended on its container: ok, changed, skipped or failed:<phase>."""

    step: CompiledStep
    outcome: str
    output: str
    seconds: float


@dataclass
class Executor:
    """Knows how to reach the containers of a plan and which values its secrets have."""

    addresses: Mapping[str, str]
    key: Path
    sockets: Path
    secret: Callable[[str], str]
    report: Callable[[Outcome], None] = lambda outcome: None
    values: dict[str, str] = field(default_factory=dict)
    _serial: dict[str, threading.Lock] = field(default_factory=dict)

    def carry_out(self, plan: Plan) -> list[Outcome]:
        """Return the outcome of every step; stops after the first stage with a failure."""
        outcomes: list[Outcome] = []
        for stage in plan.stages:
            outcomes.extend(self._stage(stage))
            if any(outcome.outcome.startswith("failed") for outcome in outcomes):
                break
        return outcomes

    def close(self) -> None:
        """End all connections."""
        for container in self.addresses:
            self._ssh(container, ["-O", "exit"])

    def _stage(self, stage: Stage) -> Iterator[Outcome]:
        """Yield the outcomes of one stage, all containers at once."""
        for step in stage.steps:
            self._serial.setdefault(step.key, threading.Lock())
        with ThreadPoolExecutor() as pool:
            for outcomes in pool.map(self._container, stage.by_container().values()):
                yield from outcomes

    def _container(self, steps: tuple[CompiledStep, ...]) -> list[Outcome]:
        """Return the outcomes of one container's steps, up to the first failure."""
        outcomes: list[Outcome] = []
        for step in steps:
            with self._turn(step):
                outcomes.append(self._step(step))
            self.report(outcomes[-1])
            if outcomes[-1].outcome.startswith("failed"):
                break
        return outcomes

    @contextmanager
    def _turn(self, step: CompiledStep) -> Iterator[None]:
        """Wait for other containers where a step is serial."""
        if not step.serial:
            yield
            return
        with self._serial[step.key]:
            yield

    def _step(self, step: CompiledStep) -> Outcome:
        """Send the files, then run probe, apply and verify."""
        if step.fresh_connection:
            self._ssh(step.container, ["-O", "exit"])
        started = time.monotonic()
        folder = f"{STEPS}/{uuid.uuid4()}"
        self._run(step.container, f"umask 077; mkdir -p {folder}/files")
        for name, text in step.files.items():
            self._run(
                step.container,
                f"umask 077; cat > {folder}/files/{name}",
                reveal(text, self.secret, self.values.__getitem__),
            )
        outcome, output = self._phases(step, folder)
        if step.register:
            said = self._run(step.container, f"cat {folder}/register").stdout
            self.values[f"{step.node}/{step.register}"] = said.strip()
        self._run(step.container, f"rm -rf {folder}")
        return Outcome(step, outcome, output, time.monotonic() - started)

    def _phases(self, step: CompiledStep, folder: str) -> tuple[str, str]:
        """Return a step's outcome and everything it said."""
        said = ""
        wanted = step.only_if and self._script(step, folder, step.only_if).returncode
        if wanted:
            return "skipped", said
        for phase in ("probe", "apply", "verify"):
            done = self._script(step, folder, getattr(step, phase))
            said += done.stdout
            if phase == "probe" and done.returncode in (0, NEEDS_APPLY):
                if done.returncode == 0:
                    return "ok", said
            elif done.returncode != 0:
                return f"failed:{phase}", said
        return "changed", said

    def _script(
        self, step: CompiledStep, folder: str, text: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one of a step's scripts."""
        command = f"STEP_DIR={folder} timeout {step.timeout_s} sh -s"
        return self._run(step.container, command, text)

    def _run(
        self, container: str, command: str, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on a container as root."""
        return self._ssh(container, [f"root@{self.addresses[container]}", command], stdin)

    def _ssh(
        self, container: str, rest: list[str], stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Call ssh with the container's connection."""
        socket = f"ControlPath={self.sockets / container}"
        command = ["ssh", *SSH_OPTIONS, "-o", socket, "-i", str(self.key)]
        if rest[0] == "-O":
            rest = [*rest, f"root@{self.addresses[container]}"]
        return subprocess.run(
            [*command, *rest],
            input=stdin,
            text=True,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
