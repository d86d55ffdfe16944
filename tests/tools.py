"""What the tests need from Debian: installed as root, else named. `python -m tests.tools`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

LAB_PACKAGES = Path(__file__).parent / "lab/apt-packages.txt"
# A browser, a database server of another version, a server to log in to, a way to become root
# there, a firewall's command.
OTHER_PACKAGES = ("chromium", "openssh-server", "postgresql", "sudo", "ufw")


def wanted() -> list[str]:
    """List the packages that the tests need."""
    lab = LAB_PACKAGES.read_text().splitlines() if LAB_PACKAGES.exists() else []
    names = (line.partition("#")[0].strip() for line in lab)
    return sorted({*OTHER_PACKAGES, *filter(None, names)})


def missing(packages: list[str]) -> list[str]:
    """Return those that are not installed."""
    shown = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\\n", *packages],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    present = {line.split()[0] for line in shown.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in present]


def install(packages: list[str]) -> int:
    """Install packages by apt; no service of theirs shall start."""
    apt = ["apt-get", "-q", "-y", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=300"]
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    commands = ([*apt, "update"], [*apt, "install", "--no-install-recommends", *packages])
    for command in commands:
        code = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, check=False).returncode
        if code:
            return code
    return 0


def main() -> int:
    """Make sure that nothing is missing."""
    if not shutil.which("dpkg-query"):
        print("The tests need Debian: dpkg-query is missing.", file=sys.stderr)
        return 1
    absent = missing(wanted())
    if not absent:
        return 0
    if os.geteuid() != 0:
        print(f"The tests need packages: apt-get install {' '.join(absent)}", file=sys.stderr)
        return 1
    return install(absent)


if __name__ == "__main__":
    sys.exit(main())
