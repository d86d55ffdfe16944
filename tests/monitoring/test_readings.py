"""From a probe's text to values."""

import pytest

from monitoring.readings import ProbeError, Reading, host_values, parse, postgresql_values, rate

WHOLE = """\
g clock 1795213800.5
g uptime 100.0
i boot_id aaaa
i measured_in cgroup
c cpu_s 10
c net_rx_bytes/eth0 1000
g cpus 4
g memory_used_bytes 500
g memory_total_bytes 1000
j patroni {"role": "primary", "state": "running", "timeline": 3}
e postgresql psql: not there
end
"""


def reading(uptime: float, *, boot_id: str = "a", **counters: float) -> Reading:
    """Make a reading with unlabelled counters."""
    return Reading(
        clock=1_000 + uptime,
        uptime=uptime,
        boot_id=boot_id,
        counters={name: {"": value} for name, value in counters.items()},
        gauges={"cpus": 4.0},
    )


def test_a_probe_is_read_line_by_line() -> None:
    found = parse(WHOLE)

    assert (found.clock, found.uptime, found.boot_id) == (1795213800.5, 100.0, "aaaa")
    assert found.counters["net_rx_bytes"] == {"eth0": 1000.0}
    assert found.documents["patroni"]["timeline"] == 3
    assert found.errors == {"postgresql": "psql: not there"}


@pytest.mark.parametrize("output", ["", "sh: not found", WHOLE.replace("end\n", "")])
def test_a_probe_that_ends_early_is_no_reading(output: str) -> None:
    with pytest.raises(ProbeError, match="ended early"):
        parse(output)


def test_an_unreadable_part_is_an_error_of_that_part_alone() -> None:
    found = parse(WHOLE.replace("g cpus 4", "g cpus many").replace('{"role"', "{role"))

    assert "many" in found.errors["cpus"]
    assert "patroni" in found.errors
    assert found.gauges["memory_used_bytes"] == 500


def test_a_counter_becomes_a_rate_by_the_hosts_uptime() -> None:
    before, after = reading(100, cpu_s=10), reading(160, cpu_s=130)

    assert rate("cpu_s", before, after) == 2.0
    assert host_values(before, after, at=1_160)["cpu_percent"] == 50.0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, reading(160, cpu_s=1)),
        (reading(100, cpu_s=10), reading(160, cpu_s=1)),
        (reading(100, cpu_s=10), reading(160, boot_id="b", cpu_s=500)),
        (reading(100, cpu_s=10), reading(40, cpu_s=11)),
        (reading(100, cpu_s=10), reading(100.1, cpu_s=11)),
        (reading(100), reading(160, cpu_s=11)),
    ],
    ids=["first visit", "counter reset", "reboot", "uptime went back", "too close", "new counter"],
)
def test_there_is_no_rate_where_there_is_no_growth_to_measure(
    before: Reading | None, after: Reading
) -> None:
    assert rate("cpu_s", before, after) is None


def test_an_interface_that_appears_is_no_burst_of_traffic() -> None:
    before = Reading(0, 0, "a", counters={"net_rx_bytes": {"eth0": 100}})
    after = Reading(0, 10, "a", counters={"net_rx_bytes": {"eth0": 200, "eth1": 1_000_000}})

    assert rate("net_rx_bytes", before, after) == 10.0


def test_clock_skew_is_the_hosts_clock_less_the_portals() -> None:
    assert host_values(None, reading(100), at=1_095)["clock_skew_s"] == 5


def test_load_in_a_system_container_is_damped_like_the_kernels() -> None:
    before = Reading(0, 0, "a", gauges={"busy_processes": 0})
    after = Reading(0, 60, "a", gauges={"busy_processes": 10})

    value = host_values(before, after, at=0, load_before=0.0)["load1"]

    assert value == pytest.approx(6.32, abs=0.01)


CLUSTER = {
    "members": [
        {"name": "a", "role": "leader", "host": "10.0.0.1"},
        {"name": "b", "role": "replica", "host": "10.0.0.2", "lag": 2048},
        {"name": "c", "role": "replica", "host": "10.0.0.3", "lag": "unknown"},
    ]
}


@pytest.mark.parametrize(
    ("address", "lag"), [("10.0.0.1", 0.0), ("10.0.0.2", 2048.0), ("10.0.0.3", None)]
)
def test_the_lag_of_a_member_is_patronis(address: str, lag: float | None) -> None:
    found = Reading(0, 0, "a", documents={"patroni_cluster": CLUSTER})

    assert postgresql_values(None, found, address=address)["replication_lag_bytes"] == lag


def test_what_patroni_does_not_say_is_missing_not_zero() -> None:
    values = postgresql_values(None, Reading(0, 0, "a"), address="10.0.0.1")

    assert set(values.values()) == {None}


def test_a_replica_and_an_unhealthy_etcd_are_zero() -> None:
    documents = {"patroni": {"role": "replica", "state": "starting"}, "etcd": {"health": "false"}}

    values = postgresql_values(None, Reading(0, 0, "a", documents=documents), address="")

    assert values["patroni_role"] == values["patroni_running"] == values["etcd_healthy"] == 0
