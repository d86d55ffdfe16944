"""Leaf pieces for models of all apps: constraints that read the same everywhere."""

from collections.abc import Iterable

from django.db import models
from django.db.models import Q


def choice_constraint(
    name: str, field: str, choices: type[models.TextChoices]
) -> models.CheckConstraint:
    """Hold a column to its choices in the database too."""
    return models.CheckConstraint(
        # Sorted, or a set's order would make a migration at every run.
        condition=Q(**{f"{field}__in": sorted(choices.values)}),
        name=name,
        violation_error_message=f"Choose one of: {_listed(choices.values)}.",
    )


def slug_constraint(name: str, field: str) -> models.CheckConstraint:
    """Hold a key to lower-case letters, digits and single hyphens."""
    return models.CheckConstraint(
        condition=Q(**{f"{field}__regex": r"^[a-z0-9]+(-[a-z0-9]+)*$"}),
        name=name,
        violation_error_message="Use lower-case letters, digits and hyphens, such as pg-node-01.",
    )


def hostname_constraint(name: str, field: str) -> models.CheckConstraint:
    """Hold a name to what RFC 1123 allows in a host name."""
    return models.CheckConstraint(
        condition=Q(**{f"{field}__regex": HOSTNAME}),
        name=name,
        violation_error_message=(
            "A host name has letters, digits and hyphens, neither first nor last in a label, "
            "such as pg-node-01."
        ),
    )


HOSTNAME = (
    r"^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$"
)


def _listed(values: Iterable[str]) -> str:
    """Join values for a sentence."""
    return ", ".join(values)
