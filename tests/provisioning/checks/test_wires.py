"""Which connections a preflight tries: every port of the matrix, from where it is needed."""

from provisioning.checks.wires import PORTAL, Wire, needed, pings, services, unwanted
from tests.factories import container_data, make_topology, platform_data

ALL = [(f"{role.key}-{n}", role.key) for role in platform_data().roles for n in (1, 2)]


def test_every_port_of_the_matrix_between_machines_is_tried() -> None:
    """R142 to R150 and R154, with their supplement S8."""
    tried = {wire.key for wire in needed(make_topology(*ALL))}

    outside = {"ssh", "time", "names-udp", "names-tcp"}
    assert tried == {port.key for port in platform_data().ports} - outside


def test_a_range_is_tried_at_its_ends_and_in_the_middle() -> None:
    """R146, R150."""
    wires = list(needed(make_topology(*ALL)))

    assert {w.number for w in wires if w.key == "gluster-bricks"} == {49152, 49201, 49251}
    assert {w.number for w in wires if w.key == "rtp"} == {16384, 24576, 32768}


def test_each_machine_that_needs_a_port_tries_it_over_the_private_network() -> None:
    """K19: the clients too, not the database nodes alone."""
    topology = make_topology(("pg-1", "database"), ("api-1", "api"), ("tele-1", "telephony"))

    wires = [w for w in needed(topology) if w.key == "postgresql"]

    assert {(w.source, w.target) for w in wires} == {("api-1", "pg-1"), ("tele-1", "pg-1")}
    assert {w.target_ip for w in wires} == {"10.203.0.10"}


def test_public_ports_are_tried_from_another_public_leg_or_from_the_portal() -> None:
    """R147, R151."""
    alone = container_data("tele-1", private="10.203.0.10", public="10.204.0.10")
    inner = container_data("pg-1", private="10.203.0.11")
    one = make_topology(("tele-1", "telephony"), ("pg-1", "database"), containers=(alone, inner))
    two = make_topology(("tele-1", "telephony"), ("pg-1", "database"))

    assert {w.source for w in needed(one) if w.key == "sip-tls"} == {PORTAL}
    assert {w.source_ip for w in needed(two) if w.key == "sip-tls"} == {"10.204.0.11"}
    assert {w.key for w in unwanted(two)} == {
        "postgresql",
        "patroni-api",
        "etcd-client",
        "etcd-peer",
    }


def test_all_machines_ping_all_others() -> None:
    """R152."""
    topology = make_topology(("a", "database"), ("b", "database"), ("c", "database"))

    assert len(list(pings(topology))) == 6


def test_name_and_time_servers_are_asked_what_they_are_for() -> None:
    topology = make_topology(("a", "database"))

    names = list(services(topology, "a", ["10.203.0.2"], "names"))
    (time,) = services(topology, "a", ["ntp.example"], "time")

    assert {(w.protocol, w.number) for w in names} == {("udp", 53), ("tcp", 53)}
    assert isinstance(time, Wire)
    assert (time.number, time.payload[:2]) == (123, "1b")
