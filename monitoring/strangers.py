"""Tells the inventory which machines show another host key than the pinned one, when it changes."""

from collections.abc import Iterable

from django.db import OperationalError, connection, transaction

from inventory.host_keys import SHOWN, note_shown_host_key
from inventory.models import Fact
from monitoring.visits import Outcome, Visit


class Strangers:
    """Remembers what is written, so that most visits ask the database nothing."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def write(self, visits: Iterable[Visit]) -> None:
        """Write what visits saw, where it is news; what cannot be written now comes again."""
        seen = {
            visit.container_id: visit.shown_host_key
            for visit in visits
            if visit.shown_host_key or visit.outcome is Outcome.SEEN
        }
        due = {pk: shown for pk, shown in seen.items() if self._known.get(pk) != shown}
        if not due:
            return
        facts = Fact.objects.filter(container__in=list(due), key=SHOWN)
        written = dict(facts.values_list("container", "value"))
        for pk, shown in due.items():
            if written.get(pk, "") == shown or _noted(pk, shown):
                self._known[pk] = shown


def _noted(container: int, shown: str) -> bool:
    """Write one; tell whether the cluster's lock was to be had."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '2s'")
            note_shown_host_key(container, shown)
    except OperationalError:
        return False
    return True
