"""Tells the inventory which machines a collector hears, when that changes (R92).

Rules read facts, and know nothing of visits. A fact says no more than "live" or "silent": its age
means nothing, so it is written when it changes and not once a visit.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import F

from inventory.history import lock_clusters, record_fact
from inventory.models import Container, Fact
from inventory.states import Origin
from monitoring.models import HostState
from monitoring.states import HostStatus
from monitoring.writer import Found

KEY = "collection"
LIVE, SILENT = "live", "silent"
# How long we trust what we last read: somebody else may have written, or moved the machine.
READ_AGAIN = timedelta(minutes=5)
# Without visits for so long, or three intervals, there is no collector; one that was restarted has
# long come back.
UNVISITED = timedelta(minutes=10)


class Heard:
    """Remembers what is written about machines, so that most visits ask the database nothing."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[str, datetime]] = {}

    def write(self, batch: Iterable[Found], *, now: datetime) -> None:
        """Write what visits found, where it is news; what cannot be written now comes again."""
        words = {
            item.container_id: LIVE if item.track.status is HostStatus.UP else SILENT
            for item in batch
        }
        due = {pk: word for pk, word in words.items() if not self._is_known(pk, word, now)}
        news = _news(due)
        late = {pk for found in news.values() for pk in found}
        for cluster, found in news.items():
            if _record(cluster, found, now):
                late -= found.keys()
        self._known |= {pk: (word, now) for pk, word in due.items() if pk not in late}

    def _is_known(self, pk: int, word: str, now: datetime) -> bool:
        """Tell whether that was written, or read, a short while ago."""
        known = self._known.get(pk)
        return known is not None and known[0] == word and now - known[1] < READ_AGAIN


def silence_unvisited(now: datetime) -> int:
    """Write that machines are silent which nobody visits any more; return how many."""
    heard = Fact.objects.filter(
        key=KEY, origin=Origin.MEASURED, value=LIVE, cluster=F("container__cluster")
    )
    since = now - max(UNVISITED, 3 * timedelta(seconds=settings.COLLECT_INTERVAL_S))
    visited = HostState.objects.filter(last_attempt_at__gte=since).values("container")
    lost = heard.exclude(container__in=visited).values_list("container", flat=True)
    news = _news({pk: SILENT for pk in lost if pk is not None})
    return sum(len(found) for cluster, found in news.items() if _record(cluster, found, now))


def _news(words: Mapping[int, str]) -> dict[int, dict[int, str]]:
    """Return what is written otherwise, or not at all, by cluster."""
    if not words:
        return {}
    facts = Fact.objects.filter(
        container__in=list(words),
        key=KEY,
        origin=Origin.MEASURED,
        cluster=F("container__cluster"),
    )
    written = dict(facts.values_list("container", "value"))
    places = Container.objects.filter(pk__in=list(words)).exclude(cluster=None)
    news: defaultdict[int, dict[int, str]] = defaultdict(dict)
    for pk, cluster in places.values_list("pk", "cluster").order_by("cluster", "pk"):
        if cluster is not None and written.get(pk) != words[pk]:
            news[cluster][pk] = words[pk]
    return news


def _record(cluster: int, words: Mapping[int, str], now: datetime) -> bool:
    """Write facts about machines of one cluster; tell whether its lock was to be had."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '2s'")
            row = lock_clusters([cluster]).get(cluster)
            if row is None:
                return False
            for container in Container.objects.filter(pk__in=list(words), cluster=row):
                record_fact(
                    cluster=row,
                    container=container,
                    key=KEY,
                    value=words[container.pk],
                    origin=Origin.MEASURED,
                    at=now,
                )
    except OperationalError:
        return False
    return True
