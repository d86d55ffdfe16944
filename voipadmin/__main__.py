"""`python -m voipadmin up`: everything on one machine."""

import sys


def main() -> int:
    """Run one command; what goes wrong is one sentence."""
    if sys.argv[1:] != ["up"]:
        print("usage: python -m voipadmin up", file=sys.stderr)
        return 2
    if sys.version_info[:2] != (3, 11):
        print("voipadmin needs Python 3.11: run make install with it.", file=sys.stderr)
        return 1
    from voipadmin.errors import SetupError
    from voipadmin.supervisor import up

    try:
        return up()
    except SetupError as error:
        print(f"voipadmin: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
