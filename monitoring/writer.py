"""The collector's only way into the database: what visits found, in one transaction a batch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import OperationalError, connection, transaction

from inventory.history import record_event, record_fact
from inventory.models import Cluster, Container, Node
from inventory.states import Origin
from monitoring.ingest import SampleRow, ingest
from monitoring.leases import SHARDS
from monitoring.models import HostState, Shard
from monitoring.states import HostStatus
from monitoring.tracking import Track
from monitoring.visits import Visit

FACT_AGE = timedelta(minutes=5)
STATE_FIELDS = [
    field.name for field in HostState._meta.concrete_fields if field.name != "container"
]


@dataclass(frozen=True)
class Found:
    """A host after a visit, or after time alone has told; `before` is the status until then."""

    container_id: int
    name: str
    track: Track
    before: HostStatus
    visit: Visit | None = None


def load_tracks(containers: Iterable[int], *, now: datetime) -> dict[int, Track]:
    """Read how hosts were last found, by whichever collector."""
    wanted = set(containers)
    known = {
        state.pk: Track(
            status=HostStatus(state.status),
            changed_at=state.changed_at,
            attempted_at=state.last_attempt_at,
            seen_at=state.last_seen_at,
            error=state.error,
        )
        for state in HostState.objects.filter(pk__in=wanted)
    }
    return {pk: known.get(pk) or Track(HostStatus.UNKNOWN, now) for pk in wanted}


def write(found: Sequence[Found], *, collector: str, now: datetime) -> None:
    """Store samples and, for hosts whose shard we still hold, states and events."""
    rows: list[SampleRow] = [row for item in found if item.visit for row in item.visit.rows]
    with transaction.atomic():
        held = set(
            Shard.objects.select_for_update(of=("self",))
            .filter(holder=collector)
            .order_by("number")
            .values_list("number", flat=True)
        )
        ours = [item for item in found if item.container_id % SHARDS in held]
        there = set(
            Container.objects.filter(pk__in=[item.container_id for item in ours]).values_list(
                "pk", flat=True
            )
        )
        ours = [item for item in ours if item.container_id in there]
        ingest(rows, now=now)
        _write_states({item.container_id: item for item in ours}, collector)
        for item in ours:
            _write_event(item, now)


def _write_states(latest: Mapping[int, Found], collector: str) -> None:
    """Write the last state of each host; a failed visit keeps what the last good one said."""
    known = HostState.objects.in_bulk(list(latest))
    states = []
    for pk, item in sorted(latest.items()):
        state = known.get(pk) or HostState(container_id=pk)
        state.status, state.changed_at = item.track.status, item.track.changed_at
        state.last_attempt_at, state.last_seen_at = item.track.attempted_at, item.track.seen_at
        state.failures, state.error = item.track.failures, item.track.error
        state.collector = collector
        if item.visit and item.visit.reading:
            state.probe_errors = dict(item.visit.reading.errors)
            state.clock_skew_s = item.visit.clock_skew_s
            state.round_trip_ms = item.visit.round_trip_ms
            state.boot_id = item.visit.reading.boot_id
            state.measured_in = item.visit.reading.info.get("measured_in", "")
        states.append(state)
    HostState.objects.bulk_create(
        states, update_conflicts=True, unique_fields=["container"], update_fields=STATE_FIELDS
    )


def _write_event(item: Found, now: datetime) -> None:
    """Append what an operator wants to read later: lost, refused, back."""
    status = item.track.status
    if status is item.before:
        return
    if status is HostStatus.DOWN:
        kind, message = "host-down", f"{item.name} does not answer: {item.track.error}"
    elif status is HostStatus.REFUSED:
        kind, message = "host-refused", item.track.error
    elif item.before is HostStatus.UNKNOWN:
        return
    else:
        kind, message = "host-up", f"{item.name} answers again."
    container = Container.objects.select_related("cluster").get(pk=item.container_id)
    record_event(kind=kind, message=message, container=container, data={"at": now})


class Facts:
    """Writes what rules want to know, when it changes or has got old; waits for no lock for long.

    A fact needs its cluster's lock, which a long operation may hold: then it is due again.
    """

    def __init__(self) -> None:
        self._written: dict[tuple[int, str], tuple[str, datetime]] = {}

    def write(self, visits: Iterable[Visit], *, now: datetime) -> None:
        """Write the facts that visits found."""
        for visit in visits:
            for (_, subject), values in visit.values.items():
                role = values.get("patroni_role")
                if role is not None:
                    word = "leader" if role else "replica"
                    self._write(subject, "patroni_role", word, visit.at, now)

    def _write(self, node_id: int, key: str, value: str, at: datetime, now: datetime) -> None:
        """Write one fact about a node if it is due."""
        before = self._written.get((node_id, key))
        if before and before[0] == value and now - before[1] < FACT_AGE:
            return
        node = Node.objects.filter(pk=node_id).first()
        if node is None:
            return
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '2s'")
                record_fact(
                    cluster=Cluster.objects.get(pk=node.cluster_id),
                    node=node,
                    key=key,
                    value=value,
                    origin=Origin.MEASURED,
                    at=at,
                )
        except OperationalError:
            return
        self._written[(node_id, key)] = (value, now)
