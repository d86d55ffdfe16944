#!/usr/bin/python3
"""Answer HTTP as the vendor's application would: `serve_http.py ROLE PORT [--websocket PORT]`.

A stand-in for tests. /api/health tells the health; any other address answers who answered.
"""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
# Several balancers ask at once: an answer is good for this long.
FRESH_S = 2.0


class Health:
    """The role's health, asked anew when the last answer is old."""

    def __init__(self, role: str) -> None:
        self.role, self.lock, self.asked_at, self.answer = role, threading.Lock(), -FRESH_S, (1, "")

    def ask(self) -> tuple[bool, str]:
        """Return whether it is well, and the JSON that says why not."""
        with self.lock:
            if time.monotonic() - self.asked_at >= FRESH_S:
                done = subprocess.run(
                    [HERE / "health.py", self.role], capture_output=True, text=True, check=False
                )
                self.answer = (done.returncode, done.stdout or done.stderr)
                self.asked_at = time.monotonic()
            return self.answer[0] == 0, self.answer[1]


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    server_version = "stand-in-for-tests"
    protocol_version = "HTTP/1.1"
    health: Health

    def do_GET(self) -> None:
        """Tell the health, or who answers."""
        if self.path == "/api/health":
            is_well, said = self.health.ask()
            self._answer(200 if is_well else 503, said)
        else:
            who = {"host": socket.gethostname(), "stand_in": "for tests", "path": self.path}
            self._answer(200, json.dumps(who))

    def _answer(self, status: int, body: str) -> None:
        """Send a JSON text."""
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Log nothing: balancers ask every few seconds."""


def main() -> None:
    """Serve until asked to end; requests that have begun are answered."""
    role, port, *more = sys.argv[1:]
    Handler.health = Health(role)
    if more:
        subprocess.Popen([HERE / "serve_websocket.py", role, more[1]])
    server = ThreadingHTTPServer(("", int(port)), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


if __name__ == "__main__":
    main()
