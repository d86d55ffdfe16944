"""What paramiko can do at best: a command on each host, fifty at a time, nothing stored.

    python benchmarks/bare_paramiko.py FOLDER PORT COMMAND HOST...

Tuned as well as is known: pinned host key, curve25519, AES-GCM, TCP_NODELAY. Ends with the seconds
that it took once Python and paramiko were there.
"""

import logging
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import paramiko


class Tuned(paramiko.Transport):
    """A transport with the cheapest of the modern algorithms."""

    _preferred_kex = ("curve25519-sha256@libssh.org",)
    _preferred_ciphers = ("aes128-gcm@openssh.com",)
    _preferred_keys = ("ssh-ed25519",)
    _preferred_pubkeys = ("ssh-ed25519",)


def run(host: str, port: int, command: str, key: paramiko.PKey, host_key: str) -> int:
    """Log in, run the command, return its exit status."""
    sock = socket.create_connection((host, port), timeout=60)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport = Tuned(sock)
    try:
        transport.start_client(timeout=60)
        if transport.get_remote_server_key().get_base64() != host_key:
            raise SystemExit("another host key")
        transport.auth_publickey("root", key)
        channel = transport.open_session()
        channel.exec_command(command)
        while channel.recv(65_536):
            continue
        return channel.recv_exit_status()
    finally:
        transport.close()


def main(folder: str, port: str, command: str, *hosts: str) -> int:
    """Run it on all hosts; return how many failed."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    key = paramiko.Ed25519Key.from_private_key_file(f"{folder}/login")
    host_key = Path(f"{folder}/host_key.pub").read_text().split()[1]
    began = time.perf_counter()
    with ThreadPoolExecutor(50) as pool:
        bad = sum(pool.map(lambda host: run(host, int(port), command, key, host_key) != 0, hosts))
    print(time.perf_counter() - began)
    return bad


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
