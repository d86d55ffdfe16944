"""When a host is up, down, refused or stale."""

from datetime import UTC, datetime, timedelta

from monitoring.states import HostStatus, Shown, shown
from monitoring.tracking import Track
from monitoring.visits import Outcome, Visit

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
UP = Track(HostStatus.UP, NOW - timedelta(days=1), NOW, NOW)


def after(track: Track, outcome: Outcome, seconds: float) -> Track:
    """Return the track after a visit that many seconds from now."""
    at = NOW + timedelta(seconds=seconds)
    return track.after(Visit(1, at, outcome, "no answer"), now=at, interval=MINUTE)


def test_one_failed_visit_does_not_make_a_host_down() -> None:
    assert after(UP, Outcome.SILENT, 100).status is HostStatus.UP


def test_a_host_is_down_within_two_minutes_of_its_last_answer() -> None:
    track = after(after(UP, Outcome.SILENT, 60), Outcome.SILENT, 75)

    assert track.status is HostStatus.UP
    assert track.at(NOW + timedelta(seconds=90), MINUTE).status is HostStatus.DOWN


def test_a_host_that_was_not_looked_at_for_long_needs_two_failures_too() -> None:
    track = after(UP, Outcome.SILENT, 3_600)

    assert track.status is HostStatus.UP
    assert after(track, Outcome.SILENT, 3_610).status is HostStatus.DOWN


def test_a_host_that_answers_is_up_again_and_keeps_since_when() -> None:
    down = Track(HostStatus.DOWN, NOW, NOW, NOW, failures=9, error="no answer")

    track = after(down, Outcome.SEEN, 30)
    later = after(track, Outcome.SEEN, 90)

    assert (track.status, track.failures, track.error) == (HostStatus.UP, 0, "")
    assert later.changed_at == NOW + timedelta(seconds=30)


def test_a_refused_login_is_said_at_once_and_is_not_down() -> None:
    assert after(UP, Outcome.REFUSED, 60).status is HostStatus.REFUSED


def test_a_host_that_refused_and_then_falls_silent_is_down() -> None:
    track = after(UP, Outcome.REFUSED, 60)
    for seconds in (100, 160):
        track = after(track, Outcome.SILENT, seconds)

    assert track.status is HostStatus.DOWN


def test_a_probe_that_fails_leaves_the_host_up_but_its_numbers_grow_stale() -> None:
    track = after(after(UP, Outcome.BROKEN, 100), Outcome.BROKEN, 160)

    assert track.status is HostStatus.UP
    assert track.error == "no answer"
    assert say(track.status, seen=160, tried=0) is Shown.STALE


def say(status: HostStatus, *, seen: float | None, tried: float | None) -> Shown:
    """Say what is shown of a host seen and tried so many seconds ago."""
    return shown(
        status,
        seen_at=None if seen is None else NOW - timedelta(seconds=seen),
        attempted_at=None if tried is None else NOW - timedelta(seconds=tried),
        now=NOW,
        interval=MINUTE,
    )


def test_stale_is_a_state_of_its_own() -> None:
    assert say(HostStatus.UP, seen=30, tried=30) is Shown.UP
    assert say(HostStatus.UP, seen=131, tried=20) is Shown.STALE
    assert say(HostStatus.UP, seen=131, tried=131) is Shown.STALE
    assert say(HostStatus.DOWN, seen=500, tried=20) is Shown.DOWN


def test_without_a_collector_nobody_knows_whether_a_host_is_still_down() -> None:
    assert say(HostStatus.DOWN, seen=900, tried=400) is Shown.STALE
    assert say(HostStatus.UNKNOWN, seen=None, tried=None) is Shown.NEVER
