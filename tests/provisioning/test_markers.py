"""The search for planted secrets finds one that shows: in a process, a table, a page, the API."""

from __future__ import annotations

import base64
import subprocess

import pytest
from django.test import Client

from tests.factories import make_cluster
from tests.provisioning.engine.runs import wait_until
from tests.provisioning.markers import (
    Markers,
    search_api,
    search_pages,
    search_tables,
    watching_processes,
)


def test_a_secret_in_an_environment_and_one_in_a_command_line_are_found() -> None:
    markers = Markers()
    shown, hidden = markers.make("shown"), base64.b64encode(markers.make("hidden").encode())
    script = ["/bin/sh", "-c", "read -r _", shown]
    env = {"HIDDEN": hidden.decode()}
    expected = {
        ("shown", "cmdline of a process"),
        ("shown", "ps"),
        ("hidden in base64", "environ of a process"),
    }

    with (
        watching_processes(markers),
        subprocess.Popen(script, env=env, stdin=subprocess.PIPE) as process,
    ):
        wait_until(lambda: expected <= markers.hits)
        process.terminate()


@pytest.mark.django_db
def test_a_secret_in_a_row_is_found_in_tables_on_pages_and_in_the_api(signed_in: Client) -> None:
    markers = Markers()
    cluster = make_cluster("alpha", name=markers.make("name"))

    search_tables(markers)
    search_pages(signed_in, markers, [cluster.get_absolute_url()])
    search_api(signed_in, markers)

    places = {where for name, where in markers.hits if name == "name"}
    assert {"table inventory_cluster", "/clusters/alpha/", "/api/v1/clusters/"} <= places
