"""The main job, as an administrator does it in a browser, on three real hosts.

A Ring2All database cluster is described, stopped by a rule, mended, planned, provisioned, watched;
then provisioned again, and then its leader loses power.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import chromium
from tests.lab.hosts import Host, Lab
from tests.lab.machine import LabError
from tests.lab.portal import PASSWORD, Portal, running_portal

pytestmark = [pytest.mark.lab, pytest.mark.browser]

NODES = ("pg-node-01", "pg-node-02", "pg-node-03")
# Hosts are visited once a minute, and a rate needs two visits.
SAMPLES_S = 150
RUN_MS = 420_000
DOWN = re.compile(r"\bdown\b", re.IGNORECASE)


@dataclass
class Watched:
    """What was seen of a run while it went on."""

    seconds: float
    lines_before_its_end: int
    outcomes: dict[str, int] = field(default_factory=dict)


@dataclass
class Refusal:
    """What the page said when a rule stood in the way."""

    status: int
    text: str


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Three hosts as Debian's installer leaves them."""
    with Lab("va", "10.203.0", "10.204.0", layers=()) as lab:
        lab.up(3)
        yield lab


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The portal, freshly started with no data."""
    folder = tmp_path_factory.mktemp("portal")
    with running_portal(folder) as portal:
        yield portal


@pytest.fixture(scope="module")
def page(portal: Portal) -> Iterator[Page]:
    """A browser in which the administrator has signed in."""
    with chromium() as browser:
        page = browser.new_page(base_url=portal.url)
        page.set_default_timeout(20_000)
        page.goto("/")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Clusters")
        yield page


@pytest.fixture(scope="module")
def refusal(page: Page, lab: Lab) -> Refusal:
    """Describe networks, cluster and machines, and try a node on a machine that lacks something."""
    for kind, prefix in (("private", lab.private), ("public", lab.public)):
        page.goto("/networks/new/")
        page.get_by_label("Name").fill(f"lab-{kind}")
        page.get_by_label("Kind").select_option(kind)
        page.get_by_label("Address range").fill(f"{prefix}.0/24")
        save(page, "Create network")
    page.goto("/clusters/new/")
    page.get_by_label("Name").fill("Lab")
    page.get_by_label("Short key").fill("lab")
    page.get_by_label("Platform and release").select_option(label="Ring2All: Ring2All stable")
    for network in page.get_by_role("group", name="Networks").get_by_role("checkbox").all():
        network.check()
    save(page, "Create cluster")
    for name, host in zip(NODES, lab.hosts(), strict=True):
        # The first machine is described without its private address.
        describe_machine(page, lab, name, host, private=host.index != 1)
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        add_node(page, NODES[0])
    expect(page.get_by_role("alert")).to_be_visible()
    return Refusal(answer.value.status, page.inner_text("main"))


@pytest.fixture(scope="module")
def described(page: Page, lab: Lab, refusal: Refusal) -> str:
    """Mend what was refused, confirm the host keys, add the nodes; the plan while one lacks."""
    first = lab.host(1)
    page.goto("/containers/")
    page.get_by_role("link", name=NODES[0]).first.click()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Private address").fill(first.private)
    save(page, "Save container")
    for name, host in zip(NODES, lab.hosts(), strict=True):
        confirm_host_key(page, name, lab.host_fingerprint(host))
    for name in NODES[:2]:
        add_node(page, name)
        expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    page.goto("/clusters/lab/plan/")
    plan_of_two = page.inner_text("main")
    add_node(page, NODES[2])
    return plan_of_two


@pytest.fixture(scope="module")
def first_run(page: Page, described: str) -> Watched:
    """Provision, and watch until the end."""
    return provision(page)


@pytest.fixture(scope="module")
def second_run(page: Page, first_run: Watched) -> Watched:
    """The same once more, on hosts that are as they should be."""
    return provision(page)


def test_the_first_page_says_what_to_do_next(page: Page) -> None:
    page.goto("/clusters/")

    expect(page.get_by_role("button", name=re.compile("example", re.IGNORECASE))).to_be_visible()


def test_a_rule_refuses_with_its_number_and_source(refusal: Refusal) -> None:
    assert refusal.status == 409
    assert "R152" in refusal.text
    assert "needs a private address, but container pg-node-01 has none" in refusal.text
    assert "Private network configured between all servers" in refusal.text


def test_two_nodes_hold_the_run_back(described: str) -> None:
    assert "R113" in described
    assert "R132" in described
    assert "2 of at least 3" in described


def test_log_lines_appear_before_the_run_ends(first_run: Watched) -> None:
    assert first_run.lines_before_its_end > 0
    assert first_run.outcomes["changed"] > 0
    assert first_run.outcomes["failed"] == 0


def test_one_member_leads_and_two_stream(lab: Lab, first_run: Watched) -> None:
    members = patroni_members(lab)

    assert len(members) == 3
    assert [m["State"] for m in members if m["Role"] == "Leader"] == ["running"]
    assert [m["State"] for m in members if m["Role"] != "Leader"] == ["streaming", "streaming"]


def test_a_row_written_on_the_leader_is_read_on_the_replicas(lab: Lab, first_run: Watched) -> None:
    leader = leader_of(lab)
    replicas = [host for host in lab.hosts() if host != leader]
    sql(lab, leader, "create table if not exists seen (at text); insert into seen values ('now')")

    for replica in replicas:
        wait_for(partial(reads, lab, replica), seconds=90)


def test_charts_show_samples_of_all_hosts(page: Page, lab: Lab, first_run: Watched) -> None:
    for name in NODES:
        open_node(page, name)
        chart = page.locator("canvas").first
        expect(chart).to_be_visible(timeout=SAMPLES_S * 1000)

    for container in page.request.get("/api/v1/containers/?page_size=100").json()["results"]:
        wait_for(partial(has_samples, page, container["id"]), seconds=SAMPLES_S)


def test_headroom_is_shown_for_the_role(page: Page, first_run: Watched) -> None:
    page.goto("/clusters/lab/")

    expect(page.get_by_role("region", name="Headroom")).to_contain_text("Database")


def test_a_second_run_changes_nothing_and_is_faster(
    first_run: Watched, second_run: Watched
) -> None:
    assert second_run.outcomes["changed"] == 0
    assert second_run.outcomes["failed"] == 0
    assert second_run.outcomes["ok"] == sum(first_run.outcomes.values())
    assert second_run.seconds < first_run.seconds / 2


def test_a_leader_without_power_is_shown_down_within_two_minutes(
    page: Page, lab: Lab, second_run: Watched
) -> None:
    leader = leader_of(lab)
    open_node(page, NODES[leader.index - 1])

    lab.power_off(leader)
    began = time.monotonic()

    expect(page.get_by_role("main")).to_contain_text(DOWN, timeout=120_000)
    print(f"shown down after {time.monotonic() - began:.0f} s")
    wait_for(partial(another_leads, lab, leader), seconds=180)


def describe_machine(page: Page, lab: Lab, name: str, host: Host, *, private: bool) -> None:
    """Fill in the form of a container, as the vendor wants a database server to be."""
    page.goto("/containers/new/?cluster=lab")
    values = {
        "name": name,
        "os_id": "debian",
        "os_version": "13",
        "vcpus": "4",
        "memory_mib": "16384",
        "private_ip": host.private if private else "",
        "public_ip": host.public,
        "disks-0-device": "/dev/sda",
        "disks-0-size_gib": "500",
    }
    for field_name, value in values.items():
        page.locator(f'[name="{field_name}"]').fill(value)
    page.locator('[name="disks-0-kind"]').select_option("ssd")
    if name == NODES[0]:
        page.locator('[name="method"]').select_option("key")
        page.locator('[name="login_name"]').fill("lab key")
        page.locator('[name="private_key"]').fill(lab.key_path.read_text())
    else:
        page.locator('[name="credential"]').select_option(label="lab key (root)")
    save(page, "Save container")


def confirm_host_key(page: Page, name: str, fingerprint: str) -> None:
    """Fetch the host key, compare it with the one on the host's disk, trust it."""
    page.goto("/containers/")
    page.get_by_role("link", name=name).first.click()
    page.get_by_role("link", name=re.compile("host key", re.IGNORECASE)).first.click()
    page.get_by_role("button", name="Fetch fingerprint").click()
    expect(page.get_by_text(fingerprint)).to_be_visible()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Trust this key").click()
    expect(page.get_by_text("is trusted")).to_be_visible()


def add_node(page: Page, name: str) -> None:
    """Put a database node on the container of its name."""
    page.goto("/clusters/lab/nodes/new/?role=database")
    page.get_by_label("Name").fill(name)
    page.locator('[name="container"]').select_option(name)
    page.get_by_role("button", name="Add node").click()


def provision(page: Page) -> Watched:
    """Press Provision, watch the log, wait for success; lines count while it still runs."""
    page.goto("/clusters/lab/plan/")
    began = time.monotonic()
    page.get_by_role("button", name="Provision").click()
    state = page.locator("#run-state")
    expect(page.locator('#run-state[data-status="running"]')).to_be_visible()
    expect(page.locator(".log-line").first).to_be_visible()
    lines = page.locator(".log-line").count()
    still = state.get_attribute("data-status") == "running"
    ended = re.compile("succeeded|failed|cancelled|waiting")
    expect(state).to_have_attribute("data-status", ended, timeout=RUN_MS)
    assert state.get_attribute("data-status") == "succeeded", state.inner_text()
    seconds = time.monotonic() - began
    print(f"run of {seconds:.0f} s: {outcomes(page)}")
    return Watched(seconds, lines if still else 0, outcomes(page))


def outcomes(page: Page) -> dict[str, int]:
    """Count the outcomes of the run's steps through the API."""
    run = page.url.rstrip("/").rpartition("/")[2]
    steps = page.request.get(f"/api/v1/run-steps/?run={run}&page_size=1000").json()["results"]
    counted = dict.fromkeys(("ok", "changed", "failed"), 0)
    for step in steps:
        counted[step["status"]] = counted.get(step["status"], 0) + 1
    return counted


def has_samples(page: Page, container: int) -> bool:
    """Tell whether at least two samples of a container's CPU are there."""
    answer = page.request.get(f"/api/v1/samples/?container={container}&metric=cpu_percent")
    return len(answer.json()["samples"]) >= 2


def open_node(page: Page, name: str) -> None:
    """Open a node's page from its cluster's."""
    page.goto("/clusters/lab/")
    page.get_by_role("link", name=name, exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)


def save(page: Page, button: str) -> None:
    """Press a form's button; the form must be taken."""
    page.get_by_role("button", name=button).click()
    alert: Locator = page.get_by_role("alert")
    assert alert.count() == 0, alert.first.inner_text()


def patroni_members(lab: Lab) -> list[dict[str, Any]]:
    """Ask Patroni, on a host that answers, who is there."""
    command = "patronictl -c /etc/patroni/config.yml list -f json 2>/dev/null"
    for host in lab.hosts():
        if lab.is_running(host):
            members: list[dict[str, Any]] = json.loads(lab.ssh(host, command))
            return members
    raise AssertionError("No host runs.")


def leader_of(lab: Lab) -> Host:
    """Return the host of the leading member."""
    leaders = [m["Host"] for m in patroni_members(lab) if m["Role"] == "Leader"]
    return next(host for host in lab.hosts() if host.private in leaders)


def another_leads(lab: Lab, lost: Host) -> bool:
    """Tell whether a host leads that is not the lost one; in between nobody may know."""
    try:
        members = patroni_members(lab)
    except (LabError, json.JSONDecodeError):
        return False
    return any(m["Role"] == "Leader" and m["Host"] != lost.private for m in members)


def sql(lab: Lab, host: Host, statement: str) -> str:
    """Run SQL on a host as the superuser; returns what psql prints."""
    command = f'cd / && runuser -u postgres -- psql -h /var/run/postgresql -Atqc "{statement}"'
    return lab.ssh(host, command).strip()


def reads(lab: Lab, host: Host) -> bool:
    """Tell whether a host has the row by now."""
    try:
        return sql(lab, host, "select at from seen limit 1") == "now"
    except LabError:
        return False  # The table is not there yet.


def wait_for(condition: Callable[[], bool], *, seconds: float = 30) -> None:
    """Ask until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "It did not become so in time."
        time.sleep(0.5)
