"""The monitoring pages in a real browser: charts drawn, axe in both themes, a phone's width."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from inventory.models import Cluster, Node
from tests import looks
from tests.factories import make_database_cluster
from tests.monitoring.test_pages import found, measure

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def cluster() -> Cluster:
    """Make three monitored hosts: one measured now, one down, one whose samples are old."""
    cluster = make_database_cluster("alpha")
    cluster.containers.update(host_key="ssh-ed25519 AAAA", host_key_confirmed_at=timezone.now())
    fresh, down, stale = cluster.containers.order_by("name")
    for minutes in range(30):
        at = timezone.now() - timedelta(minutes=minutes)
        measure(fresh, at, cpu_percent=10 + minutes, memory_used_percent=40)
    found(fresh)
    ago = timezone.now() - timedelta(seconds=300)
    found(down, last_seen_at=ago, status="down", error="No route to host.")
    found(stale, seconds_ago=900)
    return cluster


def test_axe_finds_no_serious_fault_and_every_page_fits_a_phone(
    page: Page, cluster: Cluster
) -> None:
    found_faults = {}
    addresses = [
        reverse("monitoring:cluster-health", args=[cluster.slug]),
        reverse("monitoring:headroom", args=[cluster.slug]),
        cluster.get_absolute_url(),
    ]
    for container in cluster.containers.order_by("name"):
        node = Node.objects.get(placements__container=container)
        addresses.append(reverse("monitoring:container-metrics", args=[container.pk]))
        addresses.append(reverse("monitoring:node-metrics", args=[node.pk]))
        addresses.append(node.get_absolute_url())
    for address in addresses:
        page.goto(address, wait_until="networkidle")
        wide = looks.overflow(page)
        faults = looks.faults(page) + ([f"{wide} px too wide"] if wide > 0 else [])
        if faults:
            found_faults[address] = faults

    assert found_faults == {}


def test_a_node_page_draws_its_hosts_samples(page: Page, cluster: Cluster) -> None:
    page.goto(Node.objects.get(name="pg-node-01").get_absolute_url())

    expect(page.locator("canvas").first).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("CPU")


def test_a_node_page_says_that_its_host_is_down(page: Page, cluster: Cluster) -> None:
    page.goto(Node.objects.get(name="pg-node-02").get_absolute_url())

    expect(page.get_by_role("main")).to_contain_text("Down")
    expect(page.get_by_role("main")).to_contain_text("No route to host.")
