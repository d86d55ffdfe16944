"""What all labs share: base system, package repository, golden layers; built once, then read only.

Each is named by a hash of what it is made from, so a changed list or script builds a new one.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.machine import HERE, LabError, mirror, packages, require

LAYERS = ("db",)
# Two, so that an upgrade can be tried.
STANDIN_VERSIONS = ("1.0.0", "1.1.0")


def cache_root() -> Path:
    """The cache's folder, outside any checkout."""
    return Path(os.environ.get("VOIPADMIN_LAB_CACHE", "/var/cache/voipadmin-lab"))


def fingerprint(*parts: str, folder: Path = HERE) -> str:
    """A short hash of the parts: a part that names a file beside this one counts by its content."""
    digest = hashlib.sha256()
    for part in parts:
        path = folder / part
        content = path.read_bytes() if path.is_file() else part.encode()
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:12]


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file; the kernel lets it go when the holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_once(target: Path, make: Callable[[Path], None]) -> Path:
    """Make the target unless it is there: built aside under a lock, then renamed into place."""
    if target.exists():
        return target
    with exclusive(target.parent / "lock"):
        if target.exists():
            return target
        aside = target.parent / "building"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        make(aside / target.name)
        (aside / target.name).rename(target)
    return target


# Whatever ends a builder, its children die with it and its mounts vanish with their namespace.
CONTAINED = (
    "setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child"
)


def script(name: str, *words: str | Path) -> None:
    """Run a build script of this folder, its output in the cache's log; LabError with its end."""
    log = cache_root() / f"{Path(name).name}.log"
    with log.open("w") as output:
        done = subprocess.run(
            [*CONTAINED.split(), HERE / name, *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode:
        lines = log.read_text(errors="replace").splitlines()[-8:]
        raise LabError(f"{name} failed (all of it in {log}):\n" + "\n".join(lines))


def base() -> Path:
    """The Debian 13 root file system at the bottom of every host."""
    key = fingerprint("build-base.sh", "base-packages.txt")
    return build_once(
        cache_root() / f"base-{key}",
        lambda target: script(
            "build-base.sh", target, mirror(), cache_root() / "debs", *packages("base")
        ),
    )


def repository() -> Path:
    """The flat apt repository that every host sees at /srv/apt."""
    lists = [f"{name}-packages.txt" for name in ("repo", *LAYERS)]
    wanted = sorted({word for name in ("repo", *LAYERS) for word in packages(name)})
    below = base()
    key = fingerprint(below.name, "build-repo.sh", *lists)
    return build_once(
        cache_root() / f"repo-{key}",
        lambda target: script("build-repo.sh", target, mirror(), below, *wanted),
    )


def standins(*versions: str) -> Path:
    """Stand-ins for vendors' packages in signed repositories; hosts see them at /srv/standins."""
    folder = HERE / "standins"
    files = [str(file.relative_to(HERE)) for file in folder.rglob("*") if file.is_file()]
    wanted = versions or STANDIN_VERSIONS
    key = fingerprint(*wanted, *sorted(name for name in files if not name.endswith(".pyc")))
    return build_once(
        cache_root() / f"standins-{key}",
        lambda target: script("standins/build-standins.sh", target, *wanted),
    )


def layer(name: str) -> Path:
    """A golden layer: its packages installed on the base, none of their services enabled."""
    if name not in LAYERS:
        raise LabError(f"No layer {name!r}; there are: {', '.join(LAYERS)}.")
    below, source = base(), repository()
    key = fingerprint(source.name, "build-layer.sh", f"{name}-packages.txt")
    return build_once(
        cache_root() / f"layer-{name}-{key}",
        lambda target: script("build-layer.sh", target, below, source, *packages(name)),
    )


def lower_folders(layers: tuple[str, ...]) -> list[Path]:
    """The read-only folders a host stands on, topmost first."""
    require()
    return [*(layer(name) for name in layers), base()]
