"""What this computer must offer before a lab can stand on it."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent

TOOLS = {
    "apt-ftparchive": "apt-utils",
    "debootstrap": "debootstrap",
    "gpg": "gnupg",
    "ip": "iproute2",
    "nft": "nftables",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "systemd-nspawn": "systemd-container",
}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DEBIAN_SUITES = "bullseye|bookworm|trixie|forky|oldstable|stable|testing|sid"


class LabError(Exception):
    """The lab cannot do what was asked; the message is for the person who asked."""


def packages(name: str) -> list[str]:
    """The packages listed in `<name>-packages.txt`."""
    return (HERE / f"{name}-packages.txt").read_text().split()


def run(*command: str | Path, check: bool = True, timeout_s: float = 60) -> str:
    """Run a command and return what it printed; LabError with its output when it fails."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        raise LabError(f"{command[0]} did not end within {timeout_s:g} s.") from expired
    if check and done.returncode:
        output = done.stdout.strip()[-2000:]
        raise LabError(f"{' '.join(map(str, command))}: exit {done.returncode}: {output}")
    return done.stdout


def missing() -> str | None:
    """One sentence about what the computer lacks for a lab, or None."""
    if os.geteuid() != 0:
        return "The lab needs root: it mounts, makes network namespaces and starts systemd."
    absent = {package for tool, package in TOOLS.items() if not shutil.which(tool)}
    if not KEYRING.exists():
        absent.add("debian-archive-keyring")
    if absent:
        return f"Missing here; install with: apt-get install {' '.join(sorted(absent))}"
    if "\toverlay\n" not in Path("/proc/filesystems").read_text():
        run("modprobe", "overlay", check=False)
        if "\toverlay\n" not in Path("/proc/filesystems").read_text():
            return "The kernel has no overlay file system: no lab can stand on this computer."
    return None


def require() -> None:
    """Raise LabError with the sentence when the computer lacks something."""
    if sentence := missing():
        raise LabError(sentence)


def mirror(apt_options: Iterable[str] = ()) -> str:
    """The Debian mirror apt is configured with, whichever way its sources are written."""
    uris = run("apt-get", "-o", "Debug::NoLocking=1", *apt_options, "update", "--print-uris")
    found = re.search(rf"^'(\S+)/dists/(?:{DEBIAN_SUITES})/main/binary-", uris, re.MULTILINE)
    if not found:
        raise LabError("apt is configured with no Debian mirror (a suite with component main).")
    return found[1]
