#!/usr/bin/python3
"""Shake hands as a WebSocket: `serve_websocket.py ROLE PORT`. A stand-in for tests.

The handshake succeeds only while the server is in order; else the answer is 503 with the reason.
"""

import base64
import hashlib
import socketserver
import subprocess
import sys
from pathlib import Path

HEALTH = Path(__file__).with_name("health.py")
MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Handler(socketserver.StreamRequestHandler):
    """One connection of a client."""

    def handle(self) -> None:
        """Shake hands, say one word, and stay until the client leaves."""
        key = self._key()
        done = subprocess.run([HEALTH, sys.argv[1]], capture_output=True, check=False)
        if not key or done.returncode:
            status = "503 Service Unavailable" if key else "400 Bad Request"
            body = done.stdout
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            self.wfile.write(head.encode() + body)
            return
        accept = base64.b64encode(hashlib.sha1((key + MAGIC).encode()).digest()).decode()
        self.wfile.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        text = b"stand-in for tests"
        self.wfile.write(bytes((0x81, len(text))) + text)
        while self.connection.recv(4096):
            pass

    def _key(self) -> str:
        """Return the client's key out of its request; empty when it wants no WebSocket."""
        key = ""
        while line := self.rfile.readline().strip().decode("latin-1"):
            name, _, value = line.partition(":")
            if name.lower() == "sec-websocket-key":
                key = value.strip()
        return key


class Server(socketserver.ThreadingTCPServer):
    """A thread for each client; none keeps the service from ending."""

    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    Server(("", int(sys.argv[2])), Handler).serve_forever()
