"""Which steps of a container are sent at once, for its host to carry out one after the other.

A round trip, and the processes that begin a step, cost more than most steps do. The host begins
the next step only when the one before it went well and a driver still asks (`launcher.sh`).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provisioning.engine.vault import PHASES
from provisioning.models import Step
from provisioning.steps import value_keys

# The more is sent at once, the longer a host works on without being told that the run has ended.
STEPS_AT_MOST = 12
BYTES_AT_MOST = 262_144


def chain(
    head: Step,
    followers: Iterable[Step],
    specs: Mapping[Any, Mapping[str, Any]],
    known: Iterable[str],
) -> Iterator[Step]:
    """Yield a step and those that go along with it, from its followers in their order.

    `specs` are by primary key; `known` are the values (NODE/NAME) that steps have registered.
    """
    size, values = _size(specs[head.pk]), set(known)
    yield head
    for step in followers:
        spec = specs[step.pk]
        size += _size(spec)
        if size > BYTES_AT_MOST or spec.get("fresh_connection"):
            return
        if any(value_keys(text) - values for text in spec["files"].values()):
            return
        yield step


def _size(spec: Mapping[str, Any]) -> int:
    """Return how much text of a step is sent, about."""
    scripts = (spec.get(phase) or "" for phase in PHASES)
    return sum(map(len, (*scripts, *spec["files"].values())))
