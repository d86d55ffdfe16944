"""What django-q2 does by schedule; each is safe to run again, and beside another of itself."""

from django.utils import timezone

from monitoring import heard, partitions, rollups


def roll_up() -> str:
    """Compute the hours and days that are due."""
    hours, days = rollups.roll_up(timezone.now())
    return f"{hours} hours, {days} days"


def keep_house() -> str:
    """Make the days to come, drop what is past its retention."""
    now = timezone.now()
    made, dropped = partitions.ensure_ahead(now), partitions.drop_old(now)
    partitions.compact(now)
    deleted = rollups.drop_old_rollups(now)
    return f"{len(made)} days made, {len(dropped)} dropped, {deleted} rollups deleted"


def note_silence() -> str:
    """Tell rules of machines that no collector visits any more (R92)."""
    return f"{heard.silence_unvisited(timezone.now())} machines fell silent"
