"""How a host's status follows from its visits; pure, times are given."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitoring.states import HostStatus, down_after
from monitoring.visits import Outcome, Visit

FAILURES_TO_BE_DOWN = 2


@dataclass(frozen=True)
class Track:
    """What is known of a host's visits."""

    status: HostStatus
    changed_at: datetime
    attempted_at: datetime | None = None
    seen_at: datetime | None = None
    failures: int = 0
    error: str = ""

    def after(self, visit: Visit, *, now: datetime, interval: timedelta) -> "Track":
        """Return the track with one more visit."""
        if visit.outcome is Outcome.SEEN:
            seen = replace(self, attempted_at=visit.at, seen_at=visit.at, failures=0, error="")
            return seen._to(HostStatus.UP, now)
        failed = replace(self, attempted_at=visit.at, failures=self.failures + 1, error=visit.error)
        if visit.outcome is Outcome.REFUSED:
            return failed._to(HostStatus.REFUSED, now)
        if visit.outcome is Outcome.BROKEN:
            return failed._to(HostStatus.UP, now)
        return failed.at(now, interval)

    def at(self, now: datetime, interval: timedelta) -> "Track":
        """Return the track as time passes: down when silent for long enough."""
        silent_since = max(self.seen_at or self.changed_at, self.changed_at)
        if (
            self.failures >= FAILURES_TO_BE_DOWN
            and self.status is not HostStatus.DOWN
            and now - silent_since >= down_after(interval)
        ):
            return self._to(HostStatus.DOWN, now)
        return self

    def _to(self, status: HostStatus, now: datetime) -> "Track":
        """Change the status, and since when it holds only if it is another one."""
        return self if status is self.status else replace(self, status=status, changed_at=now)


def retry_after(interval: timedelta) -> timedelta:
    """Return how soon a host that failed is tried again."""
    return min(interval, max(interval / 6, timedelta(seconds=2)))
