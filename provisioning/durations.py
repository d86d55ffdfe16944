"""How long steps took in earlier runs: medians of what ended well, remembered for a while."""

from collections import defaultdict
from collections.abc import Iterable
from statistics import median

from django.core.cache import cache
from django.db.models import F, QuerySet, Window
from django.db.models.functions import Coalesce, RowNumber

from provisioning.estimate import Durations
from provisioning.models import Attempt, Run
from provisioning.states import Outcome

LAST = 20
REMEMBER_S = 600


def durations(run: Run) -> Durations:
    """Return how long a run's steps usually take; not asked anew at each look at the page."""
    key = f"provisioning-durations-{run.pk}"
    found: Durations | None = cache.get(key)
    if found is None:
        found = read_durations(run)
        cache.set(key, found, REMEMBER_S)
    return found


def read_durations(run: Run) -> Durations:
    """Return the medians of the last attempts of the same steps, and of the same kinds."""
    pairs = set(run.steps.order_by().values_list("key", "kind").distinct())
    return usual(pairs, kind=run.kind, apart_from=run)


def usual(
    pairs: Iterable[tuple[str, str]], *, kind: str, apart_from: Run | None = None
) -> Durations:
    """Return how long steps, given as key and kind, usually take in runs of a kind."""
    pairs = set(pairs)
    keys, kinds = {key for key, _ in pairs}, {of_kind for _, of_kind in pairs}
    ended = Attempt.objects.filter(
        outcome__in=[Outcome.OK, Outcome.CHANGED], step__manual="", step__run__kind=kind
    ).annotate(took=F("finished_at") - Coalesce("begun_at", "created_at"))
    if apart_from:
        ended = ended.exclude(step__run=apart_from)
    by_step = _latest(ended.filter(step__key__in=keys), "step__key", "step__kind")
    by_kind = _latest(ended.filter(step__kind__in=kinds), "step__kind")
    return Durations(
        by_step={(key, of_kind): seconds for (key, of_kind), seconds in by_step.items()},
        by_kind={of_kind: seconds for (of_kind,), seconds in by_kind.items()},
    )


def _latest(attempts: QuerySet[Attempt], *group: str) -> dict[tuple[str, ...], float]:
    """Return the median seconds of each group's latest attempts."""
    nth = Window(RowNumber(), partition_by=list(group), order_by=F("finished_at").desc())
    rows = attempts.annotate(nth=nth).filter(nth__lte=LAST).values_list(*group, "took")
    return _medians((row[:-1], row[-1].total_seconds()) for row in rows)


def _medians(rows: Iterable[tuple[tuple[str, ...], float]]) -> dict[tuple[str, ...], float]:
    """Return the median of each group."""
    groups = defaultdict(list)
    for group, seconds in rows:
        groups[group].append(seconds)
    return {group: median(seconds) for group, seconds in groups.items()}
