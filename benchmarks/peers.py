"""The environment of the peers: made once below var/, of pinned versions, and used again."""

import hashlib
import subprocess
import sys
from pathlib import Path

BASE_DIR = Path(__file__).parents[1]
PINS = BASE_DIR / "requirements/peers.txt"


def environment() -> Path:
    """Return the folder of the peers' commands."""
    version = hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]
    folder = BASE_DIR / f"var/benchmarks/peers-{version}"
    if not (folder / "done").exists():
        print(f"Installing {PINS.relative_to(BASE_DIR)} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        install = [f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*install, "-r", str(PINS)], check=True)
        (folder / "done").touch()
    return folder / "bin"
