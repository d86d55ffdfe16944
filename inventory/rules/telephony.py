"""Rules about what telephony servers carry: by size, with one lost, and by their ports."""

from collections.abc import Iterator

from inventory.capacity import role_capacity
from inventory.platforms.facts import Source
from inventory.platforms.schema import Role
from inventory.rules.base import Blocks, Finding, Rule, Severity, role_rule
from inventory.topology import ContainerView, Topology

# A bridged call has two legs, each with a port for RTP and one for RTCP.
PORTS_A_CALL = 4
SHOWN = 5


@role_rule(
    "K13",
    title="The vendor's capacity figure is meant for the machine's size",
    words="{count} {role_name} servers ({examples}) are smaller than {size}, which the vendor's "
    "figure of {figure} calls assumes; for the smallest of them {documented} calls are documented.",
    source=Source(document="004", text="4-16 | 8-32GB | 100GB | 10,000 ext / 1,500 calls |"),
    covers=("R119", "R120"),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def size_of_figure(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Warn about servers below the size that the vendor's figure belongs to; one finding a role."""
    figure = role.nominal_capacity("concurrent_calls")
    if figure is None or figure.vcpu is None or figure.memory_mib is None:
        return
    machines = filter(None, map(topology.container_of, topology.nodes_with(role.key)))
    small = [
        machine
        for machine in machines
        if machine.vcpus < figure.vcpu or machine.memory_mib < figure.memory_mib
    ]
    if small:
        more = ", …" if len(small) > SHOWN else ""
        yield this.finding(
            f"role:{role.key}",
            facts=figure,
            role=role.key,
            weight=len(small),
            role_name=role.name,
            count=len(small),
            examples=", ".join(machine.name for machine in small[:SHOWN]) + more,
            size=f"{figure.vcpu} vCPU and {figure.memory_mib / 1024:g} GiB",
            figure=f"{figure.value:,}",
            documented=min(_documented(role, machine) for machine in small),
        )


@role_rule(
    "K12",
    title="Capacity is told with every server, and with one lost",
    words="{role_name} carries {nominal} calls with all {count} servers, and {usable} when one is "
    "lost. Count on the second figure.",
    source=Source(document="004", text="Telephony Servers (N+1)"),
    also=(
        Source(document="004", text="2 servers: 20,000 extensions, 3,000 calls"),
        Source(document="K12", text="Nominal N and usable N-1; the verdict uses the second."),
    ),
    covers=("S6", "R122", "R123", "R124", "R125", "R126", "R127"),
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def nominal_and_usable(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Tell both figures of a role that has some."""
    capacity = role_capacity(topology, role, "concurrent_calls")
    count = len(topology.nodes_with(role.key))
    if capacity and count:
        yield this.finding(
            f"role:{role.key}",
            role=role.key,
            role_name=role.name,
            count=count,
            nominal=f"{capacity.nominal:,}",
            usable=f"{capacity.usable:,}" if count > 1 else "none",
        )


@role_rule(
    "K23",
    title="There are enough media ports for the calls of a server",
    words="Ports {ports} are {total:,} for media, enough for {calls:,} bridged calls on one "
    "{role_name} server at {each} ports each; its figure is {figure:,}.",
    source=Source(document="004", text="| 16384-32768 | UDP | RTP Media |"),
    by_role=("K23",),
    covers=("R150",),
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def port_budget(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Tell what the media ports suffice for; warn when a narrowed range is what limits calls."""
    figure = role.nominal_capacity("concurrent_calls")
    if figure is None or not topology.nodes_with(role.key):
        return
    for port in topology.platform.ports:
        if port.protocol != "udp" or role.key not in port.to or port.first == port.last:
            continue
        total = (port.last or 0) - (port.first or 0) + 1
        calls = total // PORTS_A_CALL
        is_short = calls < figure.value
        yield this.finding(
            f"role:{role.key}",
            role=role.key,
            severity=Severity.WARNING if is_short else None,
            weight=max(1, figure.value - calls),
            ports=port.ports,
            total=total,
            calls=calls,
            each=PORTS_A_CALL,
            role_name=role.name,
            figure=figure.value,
        )


def _documented(role: Role, machine: ContainerView) -> int:
    """Return the calls that are documented for a machine's size, 0 below every size."""
    found = role.capacity_for("concurrent_calls", vcpu=machine.vcpus, memory_mib=machine.memory_mib)
    return found.value if found else 0
