"""What stands in the way of a run: findings of rules that block it, and logins that are missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.contrib.auth.models import User

from inventory.models import Cluster, Container
from inventory.platforms.facts import Source
from inventory.rules import Blocks, Finding, Severity, findings
from inventory.ssh import SSHError, target_for
from inventory.topology import Topology

SOURCE = Source(
    document="voipadmin", text="A run needs a login and a confirmed host key on every container."
)


@dataclass(frozen=True)
class Obstacle(Finding):
    """A finding about what the portal itself needs; its sentence is among the parameters."""

    @property
    def message(self) -> str:
        """Return the sentence."""
        return str(self.params["sentence"])


def obstacle(key: str, subject: str, sentence: str) -> Obstacle:
    """Make a finding that blocks a run."""
    return Obstacle(
        key=key,
        rule="V2",
        severity=Severity.ERROR,
        blocks=Blocks.RUN,
        subject=subject,
        source=SOURCE,
        params={"sentence": sentence},
    )


def blocking(topology: Topology, *, roles: Iterable[str] | None = None) -> list[Finding]:
    """Return the findings of rules that forbid a run of these roles (of all, when not said)."""
    chosen = set(roles) if roles is not None else None
    return [
        finding
        for finding in findings(topology)
        if finding.refuses_run and (chosen is None or not finding.role or finding.role in chosen)
    ]


def missing_logins(
    cluster: Cluster, names: Iterable[str], *, user: User | None = None
) -> Iterator[Finding]:
    """Yield why a user's run cannot log in to these containers, beside what rule S8 says."""
    rows = Container.objects.filter(cluster=cluster, name__in=set(names)).exclude(host_key="")
    if not cluster.credential_id:
        rows = rows.exclude(credential=None)
    for row in rows.with_login():
        try:
            target_for(row, user=user)
        except SSHError as error:
            yield obstacle("ssh_login", f"container:{row.name}", str(error))
