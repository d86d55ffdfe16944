"""Rules about what telephony servers carry: by size, with one lost, and by their ports."""

from collections.abc import Iterator, Mapping
from math import ceil

from inventory.capacity import role_capacity
from inventory.platforms.facts import Source
from inventory.platforms.schema import Port, Role
from inventory.rules.base import Blocks, Finding, Rule, Severity, role_rule
from inventory.rules.load import known_load
from inventory.topology import ContainerView, Topology

# A bridged call has two legs, each with a port for RTP and one for RTCP.
PORTS_A_CALL = 4
SHOWN = 5
METRICS = {"extensions": "extensions", "concurrent_calls": "calls"}


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
            documented=min(_documented(role, *size) for size in {_size(m) for m in small}),
        )


@role_rule(
    "K12",
    title="Capacity is told with every server, and with one lost",
    words="{role_name} carries {nominal} with {servers}{reserve}. {verdict}",
    source=Source(document="004", text="Telephony Servers (N+1)"),
    also=(
        Source(document="004", text="| 2 | 20,000 | 3,000 | Large Enterprise |"),
        Source(document="K12", text="Nominal N and usable N-1; the verdict uses the second."),
    ),
    covers=("S6", "R122", "R123", "R124", "R125", "R126", "R127"),
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def nominal_and_usable(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Tell both figures of a role that has some; warn when the known load exceeds the second."""
    count = len(topology.nodes_with(role.key))
    if not role.capacity or not count:
        return
    capacities = list(filter(None, (role_capacity(topology, role, m) for m in METRICS)))
    loads = {metric: load for metric in METRICS if (load := _load(topology, metric)) is not None}
    over = max((_percent(loads.get(c.metric, 0), c.usable) for c in capacities), default=0)
    yield this.finding(
        f"role:{role.key}",
        severity=Severity.WARNING if over > 100 else None,
        role=role.key,
        weight=over if over > 100 else 1,
        role_name=role.name,
        servers=f"all {count} servers" if count > 1 else "its one server",
        nominal=_words({c.metric: c.nominal for c in capacities}),
        reserve=f"; {_words({c.metric: c.usable for c in capacities})} when one is lost, which "
        "is what counts"
        if count > 1
        else ", which has no reserve",
        verdict=_verdict(loads, over),
    )


@role_rule(
    "K23",
    title="There are enough media ports for the calls of a server",
    words="Ports {ports} are {total:,} for media, enough for {calls:,} bridged calls on one "
    "{role_name} server at {each} ports each; {wanted}.",
    source=Source(document="004", text="| 16384-32768 | UDP | RTP Media |"),
    also=(
        Source(
            document="K23",
            text="A check of the port budget, a warning if the range is narrowed or the number of "
            "servers reduced.",
        ),
    ),
    covers=("R150",),
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def port_budget(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Tell what the media ports suffice for; warn where they, not the server, limit the calls."""
    figure = role.nominal_capacity("concurrent_calls")
    count = len(topology.nodes_with(role.key))
    ranges = [p for p in topology.platform.ports if p.protocol == "udp" and p.first != p.last]
    for port in ranges if figure and count else ():
        if figure is None or role.key not in port.to:
            continue
        first, last = _media_ports(topology, port)
        calls = max(0, last - first + 1) // PORTS_A_CALL
        each = ceil((_load(topology, "concurrent_calls") or 0) / max(1, count - 1))
        is_short = calls < max(figure.value, each)
        yield this.finding(
            f"role:{role.key}",
            severity=_short_severity(calls) if is_short else None,
            blocks=None if calls else Blocks.RUN,
            role=role.key,
            weight=max(figure.value, each) - calls + 1 if is_short else 1,
            ports=f"{first}-{last}",
            total=max(0, last - first + 1),
            calls=calls,
            each=PORTS_A_CALL,
            role_name=role.name,
            wanted=f"the known load can bring {each:,} to it when another is lost"
            if each > figure.value
            else f"its figure is {figure.value:,}",
        )


def _short_severity(calls: int) -> Severity:
    """Return how much too few ports matter: without any there is no call."""
    return Severity.WARNING if calls else Severity.ERROR


def _media_ports(topology: Topology, port: Port) -> tuple[int, int]:
    """Return the media ports that servers are set to use and the port matrix opens."""
    first, last = topology.parameter("rtp_first"), topology.parameter("rtp_last")
    opened = port.first or 0, port.last or 0
    return max(opened[0], first or 0), min(opened[1], last or opened[1])


def _load(topology: Topology, metric: str) -> int | None:
    """Return what is known of a load."""
    fact = known_load(topology, metric)
    return ceil(fact.value) if fact else None


def _percent(load: int, usable: int) -> int:
    """Return how much of the usable capacity a load takes; of none, whatever there is."""
    return ceil(100 * load / max(usable, 1))


def _verdict(loads: Mapping[str, int], percent: int) -> str:
    """Say what that means for the known load."""
    if not loads:
        return "The load is not known."
    judged = "too much" if percent > 100 else "enough"
    return f"The known load of {_words(loads)} is {percent} % of that: {judged}."


def _words(figures: Mapping[str, int]) -> str:
    """Write figures with their metric."""
    return " and ".join(f"{value:,} {METRICS[metric]}" for metric, value in figures.items())


def _size(machine: ContainerView) -> tuple[int, int]:
    """Return vCPU and memory, MiB."""
    return machine.vcpus, machine.memory_mib


def _documented(role: Role, vcpus: int, memory_mib: int) -> int:
    """Return the calls that are documented for a size of machine, 0 below every size."""
    found = role.capacity_for("concurrent_calls", vcpu=vcpus, memory_mib=memory_mib)
    return found.value if found else 0
