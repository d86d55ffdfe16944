"""Secrets are made on first need, sent in files, and seen nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.serializers import serialize

from inventory.models import Cluster, Secret
from provisioning.engine.lines import LONGEST, LineReader
from provisioning.engine.masking import MASK, Masker
from provisioning.engine.pace import Pace
from provisioning.models import Attempt, Line, Run, Step
from provisioning.states import RunStatus
from tests.provisioning.engine.runs import (
    drive_elsewhere,
    driven,
    make_run,
    make_step,
    printed,
    wait_until,
)

LEAK = """
cat "$STEP_DIR/files/password"
echo "no end: $(cat "$STEP_DIR/files/password")" | tr -d '\\n'
"""
REFERENCE = {"password": "⟦secret:pg.superuser⟧"}


def test_a_secret_is_generated_once_and_masked_in_what_is_printed(
    cluster: Cluster, pace: Pace
) -> None:
    run = make_run(cluster, [make_step("one", apply=LEAK, files=REFERENCE)])

    driven(run, pace)

    secret = Secret.objects.get(cluster=cluster, key="pg.superuser")
    assert run.status == RunStatus.SUCCEEDED
    assert printed(run.steps.get()) == [f"{MASK}no end: {MASK}"]
    rows = [*Run.objects.all(), *Step.objects.all(), *Attempt.objects.all(), *Line.objects.all()]
    assert secret.value not in serialize("json", rows)
    again = driven(make_run(cluster, [make_step("one", apply=LEAK, files=REFERENCE)]), pace)
    assert again.status == RunStatus.SUCCEEDED
    assert Secret.objects.get(cluster=cluster).value == secret.value


@pytest.mark.django_db(transaction=True)
def test_a_secret_is_in_no_command_line_and_no_environment(cluster: Cluster, pace: Pace) -> None:
    run = make_run(cluster, [make_step(apply="echo begun; sleep 2", files=REFERENCE)])
    driver = drive_elsewhere(run, pace)
    wait_until(lambda: Line.objects.filter(text="begun").exists())
    secret = Secret.objects.get(cluster=cluster).value.encode()

    seen = []
    for name in ("cmdline", "environ"):
        for path in Path("/proc").glob(f"[0-9]*/{name}"):
            try:
                seen.append(secret in path.read_bytes())
            except OSError:
                continue  # It ended meanwhile.

    assert len(seen) > 10
    assert not any(seen)
    assert driver.wait() == 0


def test_half_a_secret_is_not_shown_either() -> None:
    reader = LineReader(Masker(["s3cret-value"]))

    reader.feed(0, b"it is s3cret-v")

    assert reader.partial == "it is "
    assert reader.feed(14, b"alue!\n") == [(0, f"it is {MASK}!")]


def test_a_line_without_an_end_is_cut_beside_a_secret() -> None:
    reader = LineReader(Masker(["s3cret-value"]))
    data = b"x" * (LONGEST - 5) + b"s3cret-value" + b"y" * LONGEST

    lines = reader.feed(0, data)

    texts = [text for _, text in [*lines, *reader.finish()]]
    assert texts == ["x" * (LONGEST - 5), MASK + "y" * LONGEST]


def test_lines_are_numbered_on_from_where_another_reader_stopped() -> None:
    masker = Masker([])
    first = LineReader(masker)
    first.feed(0, b"one\ntwo\nthr")

    second = LineReader(masker, first.offset, first.sequence)

    assert second.read_to == 8
    assert second.feed(8, b"three\n") == [(2, "three")]
