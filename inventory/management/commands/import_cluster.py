"""Takes a cluster in from a file."""

from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser

from inventory.interchange.export import CONTENTS
from inventory.interchange.faults import Faulty
from inventory.interchange.importing import Outcome, RefusedImport, Upload, run_import
from inventory.interchange.reading import guess_form
from inventory.models import Cluster
from inventory.rules import Finding


class Command(BaseCommand):
    """Import a cluster from YAML, or containers or nodes from CSV or YAML."""

    help = "Import a cluster from YAML, or a cluster's containers or nodes from CSV or YAML."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file, what it has, and where it goes."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--cluster", help="Slug; needed for containers and nodes.")
        parser.add_argument("--what", choices=[*CONTENTS], default="cluster")
        parser.add_argument("--dry-run", action="store_true", help="Only say what would change.")
        parser.add_argument(
            "--remove-missing", action="store_true", help="Remove what the file lacks."
        )
        parser.add_argument("--user", help="Who imports: asks this user's permissions.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, or say why not."""
        try:
            outcome = run_import(
                _upload(options),
                cluster=_cluster(options),
                actor=_actor(options["user"]),
                dry_run=options["dry_run"],
                reason="manage.py import_cluster",
            )
        except Faulty as error:
            raise CommandError(str(error)) from None
        except RefusedImport as error:
            raise CommandError(_refusal(error.findings, error.outcome)) from None
        except PermissionDenied as error:
            raise CommandError(str(error)) from None
        self._say(outcome, dry_run=options["dry_run"])

    def _say(self, outcome: Outcome, *, dry_run: bool) -> None:
        """Print what changed."""
        for step in outcome.steps:
            details = f": {'; '.join(step.details)}" if step.details else ""
            self.stdout.write(f"{step.action} {step.kind} {step.name}{details}")
        for finding in outcome.findings:
            self.stdout.write(_line(finding, outcome))
        unchanged = sum(outcome.unchanged.values())
        self.stdout.write(f"{len(outcome.steps)} changes, {unchanged} unchanged.")
        if dry_run:
            self.stdout.write("Nothing is written: this was a dry run.")


def _upload(options: dict[str, Any]) -> Upload:
    """Return the file as it is meant."""
    try:
        data = options["file"].read_bytes()
    except OSError as error:
        raise CommandError(f"{options['file']} cannot be read: {error}") from None
    form = guess_form(data, options["file"].name)
    return Upload(data, options["what"], form, options["remove_missing"])


def _cluster(options: dict[str, Any]) -> Cluster | None:
    """Return the cluster that was named; a file of a whole cluster names its own."""
    slug = options["cluster"]
    if slug is None and options["what"] == "cluster":
        return None
    if slug is None:
        raise CommandError("Name the cluster: --cluster SLUG.")
    cluster = Cluster.objects.filter(slug=slug).first()
    if cluster is None:
        raise CommandError(f"There is no cluster {slug}.")
    return cluster


def _actor(name: str | None) -> User | None:
    """Return the user that was named."""
    if name is None:
        return None
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name}.")
    return user


def _refusal(findings: list[Finding], outcome: Outcome) -> str:
    """List what the rules say."""
    lines = [_line(finding, outcome) for finding in findings]
    return "\n".join(["Nothing is imported: the rules refuse it.", *lines])


def _line(finding: Finding, outcome: Outcome) -> str:
    """Write a finding with the line of its subject."""
    row = outcome.rows.get(finding.subject)
    place = f"line {row}, " if row else ""
    return f"{finding.severity} {finding.rule}, {place}{finding.subject}: {finding.message}"
