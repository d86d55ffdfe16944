"""Runs a command and tells what it took: wall and CPU time of all its processes, peak memory.

    python benchmarks/measured.py COMMAND...

Prints one line of JSON after the command's own output. Orphans of the command end up here, so that
processes which it leaves behind (ssh's ControlPersist) count too; they are ended with it.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
SAMPLE_S = 0.25


def measured(command: list[str], *, timeout_s: float = 900) -> tuple[str, dict[str, float]]:
    """Run a command through this script; return its output and the figures."""
    done = subprocess.run(
        [sys.executable, __file__, *command],
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout_s,
        check=False,
    )
    output, _, figures = done.stdout.rstrip("\n").rpartition("\n")
    return output, json.loads(figures)


def main(command: list[str]) -> None:
    """Run it, and print the figures."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    began = time.perf_counter()
    process = subprocess.Popen(command, start_new_session=True)
    sampler = threading.Thread(target=sample, args=(process.pid, peak := [0.0]), daemon=True)
    sampler.start()
    code = process.wait()
    wall_s = time.perf_counter() - began
    end_orphans()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = {
        "exit_code": code,
        "wall_s": wall_s,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "pss_mib": peak[0],
    }
    print(f"\n{json.dumps(figures)}")


def sample(pid: int, peak: list[float]) -> None:
    """Look at the memory of the command's first process for as long as it lives."""
    with contextlib.suppress(OSError):
        while lines := Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            pss = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            peak[0] = max(peak[0], pss / 1024)
            time.sleep(SAMPLE_S)


def end_orphans() -> None:
    """End and reap what the command left behind."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    with contextlib.suppress(ChildProcessError):
        while True:
            for pid in children.read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGTERM)
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
            time.sleep(0.02)


if __name__ == "__main__":
    main(sys.argv[1:])
