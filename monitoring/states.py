"""How a host is, as the collector found it and as a page may say it."""

from datetime import datetime, timedelta

from django.db.models import TextChoices

DOWN_AFTER_AT_MOST = timedelta(seconds=90)
# How long visits may be missing before nobody knows: two intervals and the time to notice.
MARGIN = timedelta(seconds=10)


class HostStatus(TextChoices):
    """What the collector found at its last visits."""

    UNKNOWN = "unknown", "Not visited yet"
    UP = "up", "Up"
    DOWN = "down", "Down"
    REFUSED = "refused", "Login refused"


class Shown(TextChoices):
    """What a page says; stale is a state of its own, whatever was true before."""

    NEVER = "never", "Not measured yet"
    UP = "up", "Up"
    STALE = "stale", "Stale"
    DOWN = "down", "Down"
    REFUSED = "refused", "Login refused"


def down_after(interval: timedelta) -> timedelta:
    """Return how long a host may be silent before it is down: two intervals, 90 s at most."""
    return min(2 * interval, DOWN_AFTER_AT_MOST)


def stale_after(interval: timedelta) -> timedelta:
    """Return the age from which a number is not shown as live."""
    return 2 * interval + MARGIN


def shown(
    status: str,
    *,
    seen_at: datetime | None,
    attempted_at: datetime | None,
    now: datetime,
    interval: timedelta,
) -> Shown:
    """Judge what may be said of a host now; without recent attempts nobody knows."""
    if attempted_at is None:
        return Shown.NEVER
    if now - attempted_at > stale_after(interval):
        return Shown.STALE
    if status in (HostStatus.DOWN, HostStatus.REFUSED):
        return Shown(status)
    if seen_at is None:
        return Shown.NEVER
    return Shown.STALE if now - seen_at > stale_after(interval) else Shown.UP
