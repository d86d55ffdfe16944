"""Checks what a cluster sets for its platform's parameters; pure."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from inventory.platforms.schema import Parameter, Platform


def parameter_faults(platform: Platform, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each value that its parameter does not take.

    Keys that the platform does not have are left alone: runbooks may have parameters of their own.
    """
    for parameter in platform.parameters:
        if parameter.key in values:
            wanted = _wanted(parameter, values[parameter.key])
            if wanted:
                yield f"{parameter.key}: {parameter.name} is {wanted}."


def _wanted(parameter: Parameter, value: Any) -> str:
    """Say what a parameter takes, empty when the value is good."""
    if parameter.type == "integer":
        return _wanted_integer(parameter, value)
    if parameter.type == "boolean":
        return "" if isinstance(value, bool) else "true or false"
    if parameter.type == "secret":
        return "a secret, which is not kept in the clear among the parameters"
    if not isinstance(value, str):
        return "text"
    if parameter.type == "choice" and value not in parameter.choices:
        return f"one of {', '.join(parameter.choices)}"
    if parameter.type == "url" and not _is_url(value):
        return "an address such as https://example.com/apt"
    return "not empty" if parameter.required and not value else ""


def _wanted_integer(parameter: Parameter, value: Any) -> str:
    """Say which integers a parameter takes, empty when the value is one."""
    if not isinstance(value, int) or isinstance(value, bool):
        return "a whole number"
    if parameter.minimum is not None and value < parameter.minimum:
        return f"at least {parameter.minimum}"
    if parameter.maximum is not None and value > parameter.maximum:
        return f"at most {parameter.maximum}"
    return ""


def _is_url(value: str) -> bool:
    """Tell whether it is an http address with a host, or that of a file on the machines."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    if parts.scheme == "file":
        return not parts.netloc and parts.path.startswith("/")
    return parts.scheme in ("http", "https") and bool(parts.hostname)
