"""The lab from a shell: `python -m tests.lab up 3`, `... power 1 off`, `... down`.

Without a verb, or with `try`, the hosts are put into the running portal's free pool.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.lab import cache
from tests.lab.hosts import Lab
from tests.lab.inventory import describe, try_portal
from tests.lab.machine import LabError, require

POWER = {
    "off": Lab.power_off,
    "on": Lab.power_on,
    "freeze": Lab.freeze,
    "thaw": Lab.thaw,
    "cut": Lab.cut,
    "join": Lab.join,
    "reboot": Lab.reboot,
}


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    top.add_argument("--name", default="va", help="short name of the lab (default: va)")
    top.set_defaults(verb="try", count=3)
    verbs = top.add_subparsers(dest="verb")
    attempt = verbs.add_parser("try", help="bring hosts up and put them into the portal")
    attempt.add_argument("count", type=int, nargs="?", default=3)
    up = verbs.add_parser("up", help="bring hosts up")
    up.add_argument("count", type=int, nargs="?", default=3)
    up.add_argument("--start", type=int, default=1, help="number of the first host")
    up.add_argument("--private", default="10.203.0", help="/24 prefix of the private network")
    up.add_argument("--public", default="10.204.0", help="/24 prefix of the public network")
    up.add_argument("--bare", action="store_true", help="install no packages beforehand")
    inventory = verbs.add_parser("inventory", help="describe the hosts in JSON")
    inventory.add_argument("--output", type=Path, help="a file to write to")
    ssh = verbs.add_parser("ssh", help="run a command on a host as root")
    ssh.add_argument("host", type=int)
    ssh.add_argument("command")
    power = verbs.add_parser("power", help="do a host harm, or undo it")
    power.add_argument("host", type=int)
    power.add_argument("what", choices=POWER)
    verbs.add_parser("down", help="remove everything but the cache")
    verbs.add_parser("build", help="fill the cache and bring nothing up")
    return top


def act(words: argparse.Namespace) -> None:
    """Do what the command line says."""
    if words.verb == "try":
        print(try_portal(Lab(words.name), words.count))
    elif words.verb == "build":
        cache.lower_folders(cache.LAYERS)
        cache.repository()
    elif words.verb == "up":
        layers = () if words.bare else ("db",)
        for host in Lab(words.name, words.private, words.public, layers).up(
            words.count, words.start
        ):
            print(host.name, host.private, host.public)
    elif words.verb == "down":
        Lab(words.name).down()
    else:
        act_on_existing(Lab.existing(words.name), words)


def act_on_existing(lab: Lab, words: argparse.Namespace) -> None:
    """Do what needs hosts that are there."""
    if words.verb == "inventory":
        text = json.dumps(describe(lab), indent=2) + "\n"
        if words.output:
            words.output.write_text(text)
        else:
            print(text, end="")
    elif words.verb == "ssh":
        print(lab.ssh(lab.host(words.host), words.command), end="")
    else:
        POWER[words.what](lab, lab.host(words.host))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what cannot be done is one sentence, never a trace."""
    try:
        words = parser().parse_args(arguments)
        require()
        act(words)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
