"""What is done to clusters: runs with their steps, attempts, lines and locks."""

from provisioning.models.locks import ContainerLock
from provisioning.models.runs import Run
from provisioning.models.steps import Attempt, Line, Step

__all__ = ["Attempt", "ContainerLock", "Line", "Run", "Step"]
