"""Rules about who may log in to the machines."""

from collections.abc import Iterator

from inventory.firewall import known_ssh_sources
from inventory.platforms.facts import Source
from inventory.rules.base import Blocks, Finding, Rule, Severity, cluster_rule
from inventory.topology import Topology


@cluster_rule(
    "R151",
    title="Only portal and bastions may log in",
    words="Who may try to log in to {count} machines is {said}: {fault}",
    source=Source(document="S8", text="SSH from portal and bastion."),
    covers=("S8",),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def login_sources(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Warn about logins open to anybody where the public network reaches; no list is an error."""
    asked = any(parameter.key == "ssh_sources" for parameter in topology.platform.parameters)
    if not asked or not topology.containers:
        return
    severity, blocks, said = None, None, "not restricted"
    fault = "name the addresses of portal and bastions in the cluster's parameter ssh_sources."
    try:
        if known_ssh_sources(topology):
            return
    except ValueError as error:
        severity, blocks, said = Severity.ERROR, Blocks.RUN, "unknown"
        fault = f"the cluster's parameter ssh_sources is no list of addresses: {error}."
    else:
        severity = None if _is_reached(topology) else Severity.INFO
    yield this.finding(
        "cluster",
        severity=severity,
        blocks=blocks,
        count=len(topology.containers),
        said=said,
        fault=fault,
    )


@cluster_rule(
    "S8",
    title="Every machine shows the host key that was confirmed",
    words="Container {container} shows another host key than the confirmed one: {fingerprint}. "
    "Runs and metrics do not log in until somebody has found out why.",
    source=Source(document="S8", text="SSH from portal and bastion."),
    severity=Severity.ERROR,
    blocks=Blocks.RUN,
)
def changed_host_key(topology: Topology, this: Rule) -> Iterator[Finding]:
    """Hold runs back while a machine is not the one that was trusted."""
    for name in topology.containers:
        if fact := topology.fact(f"container:{name}", "shown_host_key"):
            yield this.finding(f"container:{name}", container=name, fingerprint=fact.value)


def _is_reached(topology: Topology) -> bool:
    """Tell whether any machine has a public address."""
    public = {name for name, network in topology.networks.items() if network.kind == "public"}
    return any(
        address.network in public
        for container in topology.containers.values()
        for address in container.addresses
    )
