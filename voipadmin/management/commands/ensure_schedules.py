"""`manage.py ensure_schedules`: makes the schedules that apps declare, or mends them."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.utils import timezone
from django_q.models import Schedule


class Command(BaseCommand):
    """Idempotent: run it at every start."""

    help = "Make the django-q2 schedules of all apps, keeping when they are due next."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make or mend each schedule."""
        for name, (function, minutes) in declared().items():
            wanted = {
                "func": function,
                "schedule_type": Schedule.MINUTES,
                "minutes": minutes,
                "repeats": -1,
            }
            Schedule.objects.update_or_create(
                name=name,
                defaults=wanted,
                create_defaults={**wanted, "next_run": timezone.now()},
            )


def declared() -> dict[str, tuple[str, int]]:
    """Return function and minutes by name: SCHEDULES of every app's module `schedules`."""
    names = [f"{app.name}.schedules" for app in apps.get_app_configs()]
    modules = [import_module(name) for name in names if find_spec(name)]
    return {name: entry for module in modules for name, entry in module.SCHEDULES.items()}
