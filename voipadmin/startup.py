"""What is settled before anything starts: the data folder, who holds it, the port."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voipadmin.errors import SetupError

BASE_DIR = Path(__file__).resolve().parent.parent


class AlreadyRunning(Exception):
    """Another supervisor holds the data folder; the message says where it serves."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the environment says about `up`."""

    data_dir: Path
    bind: str
    port: int

    @property
    def address(self) -> str:
        """Return what a person opens in a browser."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.bind, self.bind)  # noqa: S104
        return f"http://{host}:{self.port}/"


def options() -> Options:
    """Read the options from the environment."""
    port = os.environ.get("VOIPADMIN_PORT", "8000")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise SetupError(f"VOIPADMIN_PORT must be a port number, not '{port}'.")
    return Options(
        data_dir=Path(os.environ.get("VOIPADMIN_DATA_DIR") or BASE_DIR / "var").absolute(),
        bind=os.environ.get("VOIPADMIN_BIND") or "127.0.0.1",
        port=int(port),
    )


def uses_embedded_database() -> bool:
    """Tell whether no other database was named (the same names as in voipadmin.env)."""
    return not any(
        os.environ.get(name) for name in ("DATABASE_URL", "PGHOST", "PGSERVICE", "PGDATABASE")
    )


def make_data_dir(path: Path) -> None:
    """Make the data folder and prove that it can be written."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = path / f".probe-{os.getpid()}"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise SetupError(
            f"The data folder {path} cannot be written ({error.strerror}):"
            " mend it, or name another in VOIPADMIN_DATA_DIR."
        ) from None


@contextmanager
def holding(path: Path, about: dict[str, Any]) -> Iterator[None]:
    """Hold the data folder for this process; the kernel lets go however we end."""
    with (path / "supervisor.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AlreadyRunning(_whereabouts(file.read())) from None
        file.truncate(0)
        file.write(json.dumps(about))
        file.flush()
        yield
        file.truncate(0)


def _whereabouts(text: str) -> str:
    try:
        about = json.loads(text)
        return f"voipadmin is already running at {about['address']} (process {about['pid']})."
    except (ValueError, KeyError):
        return "voipadmin is already starting or stopping on this data folder."


def listen(bind: str, port: int) -> socket.socket:
    """Take the port now, for the web server to inherit: nobody can come between."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((bind, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise SetupError(
            f"Port {port} on {bind} cannot be used ({error.strerror}):"
            " free it, or name another in VOIPADMIN_PORT."
        ) from None
    return listener
