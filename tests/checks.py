"""Migrations and deployment settings, checked as CI does: `python -m tests.checks`."""

import os
import subprocess
import sys

import tests.settings  # noqa: F401 - its throwaway data folder and database

PRODUCTION = {
    "VOIPADMIN_HTTPS": "1",
    "VOIPADMIN_ALLOWED_HOSTS": "voipadmin.example.org",
    "DJANGO_SETTINGS_MODULE": "voipadmin.settings",
}
COMMANDS = (
    ["makemigrations", "--check", "--dry-run"],
    ["check", "--deploy", "--fail-level", "WARNING"],
)


def main() -> int:
    """Run all checks; the exit code is non-zero when one of them fails."""
    return max(
        subprocess.run(
            [sys.executable, "-W", "error", "manage.py", *command],
            env=os.environ | PRODUCTION,
            check=False,
        ).returncode
        for command in COMMANDS
    )


if __name__ == "__main__":
    sys.exit(main())
