"""What the pages say of how a container is logged in to."""

from dataclasses import dataclass

from inventory.host_keys import SHOWN
from inventory.models import Bastion, Container
from inventory.ssh import HostKey, HostKeyUnknown, SSHError, bastion_of, target_for


@dataclass(frozen=True)
class Access:
    """How a container is reached: the words of what is missing, else none."""

    problem: str
    bastions: tuple[Bastion, ...]
    fingerprint: str
    shown_instead: str


def access_of(container: Container) -> Access:
    """Read how a container is reached and what is missing for it."""
    bastion = bastion_of(container)
    return Access(
        problem=_problem(container),
        # The first to be gone through comes first.
        bastions=tuple(reversed(list(bastion.chain()))) if bastion else (),
        fingerprint=fingerprint_of(container),
        shown_instead=_shown_instead(container),
    )


def fingerprint_of(row: Container | Bastion) -> str:
    """Return the fingerprint of the pinned key, if there is one that can be read."""
    try:
        return HostKey.parse(row.host_key).fingerprint if row.host_key else ""
    except HostKeyUnknown:
        return ""


def _problem(container: Container) -> str:
    """Say what is missing for a login."""
    try:
        target_for(container)
    except SSHError as error:
        return str(error)
    return ""


def _shown_instead(container: Container) -> str:
    """Return the fingerprint that the machine shows instead of the pinned one, if it does."""
    fact = container.facts.filter(key=SHOWN).first()
    return str(fact.value) if fact else ""
