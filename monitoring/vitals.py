"""How the collectors are, by the database's clock."""

from datetime import timedelta

from django.db.models import Max
from django.db.models.functions import Now

from monitoring.models import Collector
from voipadmin.vitals import Vital

SILENT_AFTER = timedelta(seconds=60)


def vitals() -> list[Vital]:
    """Return how many collectors live, and when the last one said so."""
    alive = Collector.objects.filter(heartbeat_at__gte=Now() - SILENT_AFTER).count()
    newest = Collector.objects.aggregate(at=Max("heartbeat_at"), now=Max(Now()))
    age = newest["now"] - newest["at"] if newest["at"] else None
    return [
        Vital("collectors", alive, "Collectors that gave a sign of life in the last minute."),
        Vital(
            "collector_heartbeat_s",
            None if age is None else max(0.0, round(age.total_seconds(), 1)),
            "Age of the youngest sign of life, seconds.",
        ),
    ]
