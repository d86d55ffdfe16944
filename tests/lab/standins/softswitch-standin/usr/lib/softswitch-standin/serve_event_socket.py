#!/usr/bin/python3
"""Answer as FreeSWITCH's event socket does: `auth`, `api status`, `exit`. A stand-in for tests.

`api status` says "is ready" only while the server is in order; else it is an error with the reason.
"""

import re
import socketserver
import subprocess
from pathlib import Path

HEALTH = Path(__file__).with_name("health.py")
SETTINGS = Path("/etc/freeswitch/autoload_configs/event_socket.conf.xml")


def setting(name: str) -> str:
    """Return a parameter of the event socket's settings."""
    found = re.search(rf'name="{name}"\s+value="([^"]*)"', SETTINGS.read_text())
    if not found:
        raise SystemExit(f"{SETTINGS} has no {name}")
    return found[1]


def status() -> str:
    """Return what `api status` says."""
    done = subprocess.run([HEALTH, "telephony"], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"-ERR this stand-in for tests is not in order: {done.stdout or done.stderr}"
    return "UP 0 years, 0 days\nFreeSWITCH (a stand-in for tests) is ready\n0 session(s)\n"


class Handler(socketserver.StreamRequestHandler):
    """One connection of a client."""

    def handle(self) -> None:
        """Ask for the password, then answer commands until the client leaves."""
        self._send("Content-Type: auth/request")
        if self._command() != f"auth {setting('password')}":
            self._send("Content-Type: command/reply\nReply-Text: -ERR invalid")
            return
        self._send("Content-Type: command/reply\nReply-Text: +OK accepted")
        while (command := self._command()) not in ("", "exit"):
            body = status() if command == "api status" else f"-ERR {command} not found\n"
            self._send(f"Content-Type: api/response\nContent-Length: {len(body.encode())}", body)

    def _command(self) -> str:
        """Return the first line of the next command; empty at the end."""
        lines: list[str] = []
        while line := self.rfile.readline().decode():
            if not line.strip():
                if lines:
                    break
                continue
            lines.append(line.strip())
        return lines[0] if lines else ""

    def _send(self, head: str, body: str = "") -> None:
        """Send a head, an empty line, a body."""
        self.wfile.write(f"{head}\n\n{body}".encode())


class Server(socketserver.ThreadingTCPServer):
    """A thread for each client; none keeps the service from ending."""

    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    Server((setting("listen-ip"), int(setting("listen-port"))), Handler).serve_forever()
