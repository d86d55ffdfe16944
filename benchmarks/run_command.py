"""One command on many hosts through our own SSH layer, fifty at a time, nothing stored.

    python benchmarks/run_command.py FOLDER PORT COMMAND HOST...

Ends with the seconds that it took once Python and Django were there.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Run as a script, Python looks in this folder alone.
sys.path.insert(0, str(Path(__file__).parents[1]))

import django

django.setup()

from inventory.ssh import Connection, Target  # noqa: E402 - Django is set up first


def main(folder: str, port: str, command: str, *hosts: str) -> None:
    """Run it on all hosts."""
    key = Path(f"{folder}/login").read_text()
    host_key = " ".join(Path(f"{folder}/host_key.pub").read_text().split()[:2])

    def run(host: str) -> None:
        target = Target(host, host, int(port), "root", key, None, host_key)
        with Connection.open(target, connect_timeout_s=60) as connection:
            assert connection.run(command, timeout_s=60).exit_code == 0

    began = time.perf_counter()
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(run, hosts))
    print(time.perf_counter() - began)


if __name__ == "__main__":
    main(*sys.argv[1:])
