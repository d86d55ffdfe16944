"""Exit with 0 when Patroni's shared settings (stdin) have everything that a file wants."""

import sys

import yaml


def covers(have: object, want: object) -> bool:
    """Tell whether every wanted value is there, however much else is."""
    if isinstance(want, dict):
        return isinstance(have, dict) and all(covers(have.get(k), v) for k, v in want.items())
    return have == want


with open(sys.argv[1], encoding="utf-8") as wanted:
    sys.exit(0 if covers(yaml.safe_load(sys.stdin), yaml.safe_load(wanted)) else 1)
