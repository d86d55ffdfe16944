"""What stands in for the portal's vault where a plan is carried out without the portal."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from inventory import pki
from inventory.certificates import host_names
from inventory.topology import Topology


@dataclass
class Issuer:
    """Gives secrets, and certificates of an authority of its own, by their references."""

    topology: Topology
    authority: pki.Pair = field(
        default_factory=lambda: pki.make_authority("lab", datetime.now(UTC))
    )
    hosts: dict[str, pki.Pair] = field(default_factory=dict)

    def __call__(self, key: str) -> str:
        """Return what a reference stands for."""
        if not key.startswith("tls."):
            return f"S3cr-t_{key}"
        if key == "tls.authority":
            return self.authority.certificate
        _, part, machine = key.split(".", 2)
        pair = self.pair(machine)
        return pair.key if part.endswith("key") else pair.certificate

    def pair(self, machine: str) -> pki.Pair:
        """Return a machine's certificate and key."""
        if machine not in self.hosts:
            names = host_names(self.topology, machine)
            self.hosts[machine] = pki.issue(self.authority, names, datetime.now(UTC))
        return self.hosts[machine]
