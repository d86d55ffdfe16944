"""Many rows are written in one statement, with the values that the ORM would write."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory.models import Container
from tests.factories import make_cluster, make_container
from voipadmin.bulk import update_rows

pytestmark = pytest.mark.django_db


def test_rows_are_written_in_one_statement() -> None:
    cluster = make_cluster()
    rows = [make_container(cluster) for _ in range(3)]
    for number, row in enumerate(rows):
        row.vcpus, row.virtualisation_ha = number + 7, f"it's {number}"
        row.memory_mib = 1

    with CaptureQueriesContext(connection) as queries:
        update_rows(rows, ("vcpus", "virtualisation_ha"))

    stored = Container.objects.order_by("pk").values_list("vcpus", "virtualisation_ha")
    assert list(stored) == [(7, "it's 0"), (8, "it's 1"), (9, "it's 2")]
    assert not Container.objects.filter(memory_mib=1).exists()
    assert len(queries) == 1


def test_times_and_empty_values_are_written() -> None:
    cluster = make_cluster()
    first, second = make_container(cluster), make_container(cluster)
    first.host_key_confirmed_at, first.host_key = timezone.now() - timedelta(days=1), "a key"
    second.host_key_confirmed_at = None

    update_rows([first, second], ("host_key_confirmed_at", "host_key"))

    stored = dict(Container.objects.values_list("pk", "host_key_confirmed_at"))
    assert stored == {first.pk: first.host_key_confirmed_at, second.pk: None}


def test_nothing_is_written_for_no_rows() -> None:
    with CaptureQueriesContext(connection) as queries:
        update_rows([], ("vcpus",))

    assert len(queries) == 0
