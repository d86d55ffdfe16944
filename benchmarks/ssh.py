"""The same work on many hosts by us, pyinfra and ansible-core, compared as ratios.

    python benchmarks/ssh.py [--quick] [--sizes 10,50,200] [--rounds 3] [--without ansible]

The hosts are addresses of one loopback sshd (needs root). Everybody takes turns, so that the noise
of the machine meets all of them. Ours is a run of the real engine on a throwaway PostgreSQL that
waits for the disk: every line and state is stored. Its wall time is that of a worker, which is
there before the run is (with the start of Python and Django it is shown beside); CPU time is that
of the whole process. Bare paramiko, tuned, stores nothing. ansible-core plays on at most 50 hosts.
Ends with one line of JSON; exit code 1 when a target is missed.
"""

import argparse
import atexit
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

# Run as a script, Python looks in this folder alone.
sys.path.insert(0, str(Path(__file__).parents[1]))
from django.utils import timezone

import benchmarks.durable  # Django, before its models
from benchmarks.loopback import host, hosts, make_cluster
from benchmarks.measured import measured
from benchmarks.peers import environment
from benchmarks.work import LOAD, plan, write_ansible, write_pyinfra
from inventory.models import Cluster
from provisioning.models import Line, Run
from provisioning.services import freeze
from provisioning.states import RunStatus
from tests.sshd import Sshd

HERE = Path(__file__).parent
SIZES, ONE_COMMAND = (10, 50, 200), 200
# Most that ours may take of another one's figure.
TARGETS = {
    "wall_of_pyinfra_50": 0.5,
    "wall_of_pyinfra_200": 0.4,
    "cpu_of_ansible_50": 0.1,
    "one_command_of_paramiko_200": 1.2,
    "driver_pss_mib_200": 150,
}
# At a minute for each ten hosts; its CPU per host is the same for more.
ANSIBLE_AT_MOST = 50
Figures = dict[str, float]


@dataclass
class Bench:
    """Where it all happens.

    `folder` is in memory where that is possible: real hosts have a disk each, these share one.
    """

    folder: Path
    server: Sshd
    bin: Path

    def ours(self, cluster: Cluster, count: int, steps: int) -> Figures:
        """Drive a run in a process of its own."""
        made = plan(self.fresh("work"), count, steps)
        run = freeze(cluster=cluster, made=made, actor=None)
        run.move(RunStatus.QUEUED, queued_at=timezone.now())
        pace = json.dumps({"base": f"{self.fresh('targets')}/{{container}}"})
        output, figures = measured([sys.executable, f"{HERE}/drive_run.py", str(run.pk), pace])
        run.refresh_from_db()
        assert run.status == RunStatus.SUCCEEDED, (run.reason, output)
        self.check(count, steps)
        return figures | {"driven_s": float(output.split()[-1]), "lines": self.lines(run)}

    def ansible(self, cluster: Cluster, count: int, steps: int) -> Figures:
        """Play the playbook."""
        arguments = write_ansible(self.server, self.fresh("work"), count, steps)
        config = f"ANSIBLE_CONFIG={self.server.folder}/ansible.cfg"
        return self.peer(["env", config, f"{self.bin}/ansible-playbook", *arguments], count, steps)

    def pyinfra(self, cluster: Cluster, count: int, steps: int) -> Figures:
        """Deploy."""
        arguments = write_pyinfra(self.server, self.fresh("work"), count, steps)
        return self.peer([f"{self.bin}/pyinfra", *arguments], count, steps)

    def paramiko(self, cluster: Cluster, count: int, steps: int) -> Figures:
        """Run one command on each host by paramiko alone."""
        return self.command("bare_paramiko.py", count)

    def our_ssh(self, cluster: Cluster, count: int, steps: int) -> Figures:
        """Run one command on each host by our SSH layer alone."""
        return self.command("run_command.py", count)

    def command(self, script: str, count: int) -> Figures:
        """Run one command on each host."""
        where = [str(self.server.folder), str(self.server.port), LOAD.text]
        names = [host(number) for number in range(count)]
        self.fresh("work")
        output, figures = measured([sys.executable, f"{HERE}/{script}", *where, *names])
        assert figures["exit_code"] == 0, output[-3000:]
        return figures | {"inner_s": float(output.split()[-1])}

    def peer(self, command: list[str], count: int, steps: int) -> Figures:
        """Run a peer and see that it did the work."""
        output, figures = measured(command)
        assert figures["exit_code"] == 0, output[-3000:]
        self.check(count, steps)
        return figures

    def fresh(self, name: str) -> Path:
        """Return an empty folder."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        (self.folder / name).mkdir()
        return self.folder / name

    def check(self, count: int, steps: int) -> None:
        """See that every host got its file."""
        files = [p for p in (self.folder / "work").glob("*") if p.stat().st_size == 4096]
        assert len(files) == (count if steps > 1 else 0), f"{len(files)} of {count} files"

    def lines(self, run: Run) -> int:
        """Count the lines that were stored."""
        return Line.objects.filter(attempt__step__run=run).count()


def rounds(
    bench: Bench, names: list[str], count: int, steps: int, repeats: int
) -> dict[str, Figures]:
    """Let everybody take turns; return the medians."""
    cluster = make_cluster(bench.server, f"bench-{count}-{steps}", count)
    found: dict[str, list[Figures]] = {name: [] for name in names}
    for _ in range(repeats):
        for name in names:
            found[name].append(getattr(bench, name)(cluster, count, steps))
    medians = {}
    for name, all_figures in found.items():
        medians[name] = {
            key: round(median(figures[key] for figures in all_figures), 2) for key in all_figures[0]
        }
        shown = "  ".join(f"{key} {value:8.2f}" for key, value in medians[name].items())
        print(f"{count:4} hosts, {steps:2} steps  {name:10} {shown}", flush=True)
    return medians


def ratios(
    by_size: dict[int, dict[str, Figures]], one: dict[str, Figures]
) -> Iterator[tuple[str, float]]:
    """Yield what the targets are about, as far as it was measured."""
    for count, medians in by_size.items():
        ours = medians["ours"]
        if pyinfra := medians.get("pyinfra"):
            yield f"wall_of_pyinfra_{count}", ours["driven_s"] / pyinfra["wall_s"]
            yield f"wall_with_start_of_pyinfra_{count}", ours["wall_s"] / pyinfra["wall_s"]
            yield f"cpu_of_pyinfra_{count}", ours["cpu_s"] / pyinfra["cpu_s"]
        if ansible := medians.get("ansible"):
            yield f"wall_of_ansible_{count}", ours["driven_s"] / ansible["wall_s"]
            yield f"cpu_of_ansible_{count}", ours["cpu_s"] / ansible["cpu_s"]
        yield f"driver_pss_mib_{count}", ours["pss_mib"]
    if one:
        bare_s = one["paramiko"]["inner_s"]
        yield f"one_command_of_paramiko_{ONE_COMMAND}", one["our_ssh"]["inner_s"] / bare_s
        yield f"one_step_run_of_paramiko_{ONE_COMMAND}", one["ours"]["driven_s"] / bare_s


def wrapper() -> str:
    """Say what detaches the steps here."""
    if Path("/run/systemd/system").is_dir():
        return "systemd-run"
    return "setsid (this machine has no systemd)"


def shared_folder() -> Path:
    """Return a folder for what the hosts keep, gone afterwards."""
    memory = Path("/dev/shm")
    folder = Path(
        tempfile.mkdtemp(prefix="voipadmin-bench-", dir=memory if memory.is_dir() else None)
    )
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 hosts, one round; under a minute")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without", default="", help="peers to leave out")
    return parser.parse_args()


def main() -> int:
    """Measure, print, judge."""
    chosen = arguments()
    sizes = [10] if chosen.quick else [int(size) for size in chosen.sizes.split(",") if size]
    repeats = 1 if chosen.quick else chosen.rounds
    names = [n for n in ("ours", "pyinfra", "ansible") if n not in chosen.without.split(",")]
    by_size: dict[int, dict[str, Figures]] = {}
    one: dict[str, Figures] = {}
    print(f"Steps are detached by {wrapper()}.")
    with hosts(benchmarks.durable.FOLDER / "sshd") as server:
        bench = Bench(shared_folder(), server, environment())
        for size in sizes:
            here = [name for name in names if name != "ansible" or size <= ANSIBLE_AT_MOST]
            by_size[size] = rounds(bench, here, size, 10, repeats)
        if not chosen.quick:
            one = rounds(bench, ["ours", "our_ssh", "paramiko"], ONE_COMMAND, 1, repeats)
    return judge({name: round(value, 3) for name, value in ratios(by_size, one)})


def judge(figures: Figures) -> int:
    """Print the figures and which targets they reach, as far as those were measured."""
    missed = [name for name, target in TARGETS.items() if figures.get(name, 0) > target]
    for name, value in figures.items():
        verdict = f"target {TARGETS[name]}" if name in TARGETS else ""
        print(f"{name:34} {value:8.3f}  {verdict}{' MISSED' if name in missed else ''}")
    report = {"figures": figures, "targets": TARGETS, "wrapper": wrapper(), "missed": missed}
    print(json.dumps(report | {"met": not missed}))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
