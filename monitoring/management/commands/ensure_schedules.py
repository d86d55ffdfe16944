"""`manage.py ensure_schedules`: makes the schedules of the monitoring tasks, or mends them."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from django_q.models import Schedule

SCHEDULES = {
    "monitoring: roll up": {"func": "monitoring.tasks.roll_up", "minutes": 5},
    "monitoring: note silence": {"func": "monitoring.tasks.note_silence", "minutes": 5},
    "monitoring: keep house": {"func": "monitoring.tasks.keep_house", "minutes": 60},
}


class Command(BaseCommand):
    """Idempotent: run it at every start."""

    help = "Make the django-q2 schedules of monitoring, keeping when they are due next."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make or mend each schedule."""
        for name, wanted in SCHEDULES.items():
            Schedule.objects.update_or_create(
                name=name,
                defaults={
                    "func": wanted["func"],
                    "schedule_type": Schedule.MINUTES,
                    "minutes": wanted["minutes"],
                    "repeats": -1,
                },
                create_defaults={
                    "func": wanted["func"],
                    "schedule_type": Schedule.MINUTES,
                    "minutes": wanted["minutes"],
                    "repeats": -1,
                    "next_run": timezone.now(),
                },
            )
