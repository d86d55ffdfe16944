"""Writes a cluster to a file."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from inventory.interchange.export import CONTENTS, FORMATS, NoSuchExport, export_file
from inventory.models import Cluster


class Command(BaseCommand):
    """Export a cluster as YAML, or its containers or nodes as CSV or YAML."""

    help = "Export a cluster as YAML, or its containers or nodes as CSV or YAML."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the cluster, what of it, and where to."""
        parser.add_argument("slug")
        parser.add_argument("--what", choices=[*CONTENTS], default="cluster")
        parser.add_argument("--as", dest="form", choices=[*FORMATS])
        parser.add_argument("--output", type=Path, help="A file; standard output without it.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file."""
        form = options["form"] or ("yaml" if options["what"] == "cluster" else "csv")
        cluster = Cluster.objects.filter(slug=options["slug"]).first()
        if cluster is None:
            raise CommandError(f"There is no cluster {options['slug']}.")
        try:
            text = export_file(cluster, what=options["what"], form=form)
        except NoSuchExport as error:
            raise CommandError(str(error)) from None
        if options["output"] is None:
            self.stdout.write(text, ending="")
            return
        try:
            options["output"].write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise CommandError(f"{options['output']} cannot be written: {error}") from None
