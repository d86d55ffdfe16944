"""Checks judged without the database say what Django and the database say."""

from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from inventory.models import (
    Address,
    Balancer,
    Cluster,
    Container,
    Disk,
    Fact,
    MaintenanceWindow,
    Node,
    Placement,
)
from tests.factories import make_container, make_database_cluster
from voipadmin.constraints import full_clean

pytestmark = pytest.mark.django_db
NOW = timezone.now()

ROWS: list[tuple[type[models.Model], dict[str, Any]]] = [
    (Container, {}),
    (Container, {"name": "pg-node-01", "os_id": "debian", "os_version": "13"}),
    (Container, {"name": "ok", "os_id": "debian", "os_version": "13", "vcpus": 1, "memory_mib": 1}),
    (Container, {"name": "a_b", "vcpus": 0, "memory_mib": -1, "ssh_port": 70000, "state": "x"}),
    (Container, {"name": "ok\n", "vcpus": "four", "ssh_port": None, "ssh_network": None}),
    (Container, {"name": "ok", "host_key": "k", "vcpus": 1}),
    (Container, {"name": "ok", "host_key": "", "host_key_confirmed_at": NOW, "vcpus": 1}),
    (Container, {"name": "ok", "host_key": "k", "host_key_confirmed_at": NOW, "vcpus": 1}),
    (Disk, {"device": "/dev/sda", "size_gib": 0, "kind": "tape", "purpose": ""}),
    (Disk, {"device": "/dev/sda", "size_gib": 9, "kind": "ssd"}),
    (Address, {"name": "-", "ip": "10.203.0.31"}),
    (Address, {"name": "a.b\n", "ip": "nonsense"}),
    (Address, {"name": ""}),
    (Cluster, {"slug": "alpha", "country": "DE"}),
    (Cluster, {"slug": "Alpha", "country": "de", "kind": "triple", "state": "dead"}),
    (Node, {"name": "x" * 64}),
    (Node, {"name": "pg-node-01"}),
    (Placement, {"valid_from": NOW, "valid_to": NOW}),
    (Placement, {"valid_from": NOW, "valid_to": NOW.replace(year=2000)}),
    (Placement, {"valid_from": None, "valid_to": NOW}),
    (Balancer, {"name": "sip", "instances": 0, "dns_name": "x"}),
    (Fact, {"key": "k", "value": 1, "at": NOW, "origin": "heard"}),
    (MaintenanceWindow, {"starts_at": NOW, "ends_at": NOW, "reason": ""}),
]


def messages(clean: Any) -> dict[str, list[str]]:
    """Return what a check says, by column."""
    try:
        clean()
    except ValidationError as error:
        return {name: sorted(words) for name, words in error.message_dict.items()}
    return {}


@pytest.mark.parametrize(("model", "values"), ROWS)
def test_every_fault_of_a_row_is_what_django_says_it_is(
    model: type[models.Model], values: dict[str, Any]
) -> None:
    cluster = make_database_cluster("alpha", nodes=1)
    place = {"cluster": cluster, "container": Container.objects.get(), "node": Node.objects.get()}
    place["network"] = cluster.networks.get(kind="private")
    known = {field.name for field in model._meta.fields}
    row = model(**{k: v for k, v in place.items() if k in known}, **values)

    assert messages(lambda: full_clean(row)) == messages(row.full_clean)


def test_rows_that_are_there_are_judged_as_django_judges_them() -> None:
    make_container(make_database_cluster("alpha"), "spare", private="10.203.0.99")
    tables = apps.get_app_config("inventory").get_models()
    rows = [row for model in tables for row in model._default_manager.all()[:3]]

    assert rows
    for row in rows:
        assert messages(lambda row=row: full_clean(row)) == messages(row.full_clean)
