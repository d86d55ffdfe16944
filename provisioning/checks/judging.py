"""All judges together: importing this registers them."""

from provisioning.checks import (
    cleanliness,
    clocks,
    disks,
    networks,
    ports,
    repositories,
    systems,
)
from provisioning.checks.registry import JUDGES, answers

__all__ = [
    "JUDGES",
    "answers",
    "cleanliness",
    "clocks",
    "disks",
    "networks",
    "ports",
    "repositories",
    "systems",
]
