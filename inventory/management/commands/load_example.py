"""Loads the example cluster."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inventory import example
from inventory.models import Platform


class Command(BaseCommand):
    """Describe the example cluster; a second time changes nothing."""

    help = "Load the example cluster of Ring2All's guide, marked as example, never monitored."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load it and say where it is."""
        try:
            cluster, is_new = example.load(actor=None)
        except Platform.DoesNotExist:
            raise CommandError(
                "No platform is loaded: run manage.py sync_platforms first."
            ) from None
        state = "loaded" if is_new else "there already"
        self.stdout.write(f"{cluster.name} is {state}: {cluster.get_absolute_url()}")
