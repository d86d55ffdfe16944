"""Whether a step is there for a node, and how many times."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from provisioning.runbook.expressions import evaluate
from provisioning.runbook.rendering import RenderError, render
from provisioning.runbook.schema import ComponentSpec, StepSpec, Work

# What may stand in a step's key; everything else is known by its number.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


def is_wanted(work: ComponentSpec | Work, context: Mapping[str, Any]) -> bool:
    """Tell whether a component's, step's or handler's `when` holds; raises RenderError."""
    return work.when is None or bool(evaluate(work.when, context, "when"))


def loop_items(step: StepSpec, context: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the items of a step's loop, each with the name that makes the step's key unique.

    An item is known by its own `key`, else by itself, else by its number from 1.
    """
    items = step.loop
    if isinstance(items, str):
        items = evaluate(items, context, "loop")
        if isinstance(items, str | Mapping) or not hasattr(items, "__iter__"):
            raise RenderError(f"loop: is no list, in: {step.loop}")
    seen: set[str] = set()
    for number, item in enumerate(render(list(items), context, {}), 1):
        name = _name(item, number)
        if name in seen:
            raise RenderError(f"loop: there is more than one item {name}")
        seen.add(name)
        yield name, item


def _name(item: Any, number: int) -> str:
    """Return what an item is known by."""
    own = item.get("key") if isinstance(item, Mapping) else item
    name = str(own) if isinstance(own, str | int) and not isinstance(own, bool) else ""
    return name if NAME.fullmatch(name) else str(number)
