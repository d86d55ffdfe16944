"""Values of a runbook that are more than texts: expressions, lists, shares of the nodes."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from jinja2 import TemplateError, TemplateSyntaxError
from pydantic import AfterValidator, BeforeValidator

from provisioning.runbook.rendering import RenderError, environment

SHARE = re.compile(r"(\d{1,3})%")


def evaluate(expression: str, context: Mapping[str, Any], field: str) -> Any:
    """Return an expression's value; raises RenderError, for an undefined name too."""
    made = environment({}).compile_expression(expression, undefined_to_none=False)
    try:
        value = made(**context)
        # An undefined result complains as soon as anything is done with it.
        str(value)
    except (TemplateError, ValueError, TypeError) as error:
        raise RenderError(f"{field}: {error}, in: {expression.strip()}") from error
    return value


def _expression(text: Any) -> str:
    """Check an expression's grammar; `true` and `false` of YAML are expressions, too."""
    if isinstance(text, bool):
        return str(text).lower()
    if not isinstance(text, str):
        raise ValueError("is an expression")
    if "{{" in text or "{%" in text:
        raise ValueError("is an expression, so that it is written without {{ }}")
    try:
        environment({}).compile_expression(text)
    except TemplateSyntaxError as error:
        raise ValueError(f"is no expression: {error.message}") from error
    return text


def _items(value: Any) -> Any:
    """Check that a loop is a list, or an expression that may give one."""
    return value if isinstance(value, list | tuple) else _expression(value)


def _tolerance(value: Any) -> Any:
    """Check a number of nodes, or a share of them."""
    share = SHARE.fullmatch(value) if isinstance(value, str) else None
    if share and int(share[1]) <= 100:
        return value
    if _is_number(value):
        return value
    raise ValueError("is a number of nodes, or a share of them such as 20%")


def _quorum(value: Any) -> Any:
    """Check a number of machines, or one of two words."""
    if value not in ("majority", "all") and not _is_number(value):
        raise ValueError("is majority, all or a number of machines")
    return value


def _is_number(value: Any) -> bool:
    """Tell whether something is a number of things."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


Expression = Annotated[str, BeforeValidator(_expression)]
Loop = Annotated[Any, AfterValidator(_items)]
Tolerance = Annotated[Any, AfterValidator(_tolerance)]
Quorum = Annotated[Any, AfterValidator(_quorum)]


def tolerated(tolerance: int | str, nodes: int) -> int:
    """Return how many of so many nodes may fail; shares are rounded down."""
    return nodes * int(tolerance[:-1]) // 100 if isinstance(tolerance, str) else tolerance


def needed(quorum: int | str, machines: int) -> int:
    """Return how many of so many machines must be well; raises RenderError for too many."""
    if quorum == "majority":
        return machines // 2 + 1
    if isinstance(quorum, str):
        return machines
    if quorum > machines:
        raise RenderError(f"a quorum of {quorum} can never be reached by {machines} machines")
    return quorum
