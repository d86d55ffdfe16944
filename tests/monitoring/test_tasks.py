"""Schedules, and what they run."""

import pytest
from django.core.management import call_command
from django.utils.module_loading import import_string
from django_q.models import Schedule

from monitoring.partitions import existing_days

pytestmark = pytest.mark.django_db


def test_schedules_are_made_once_and_keep_when_they_are_due() -> None:
    call_command("ensure_schedules")
    before = list(Schedule.objects.order_by("pk").values_list("pk", "next_run"))
    Schedule.objects.update(minutes=99)

    call_command("ensure_schedules")

    assert list(Schedule.objects.order_by("pk").values_list("pk", "next_run")) == before
    assert set(Schedule.objects.values_list("minutes", flat=True)) == {5, 60}


def test_every_schedule_names_a_task_that_runs() -> None:
    call_command("ensure_schedules")

    said = [import_string(func)() for func in Schedule.objects.values_list("func", flat=True)]

    assert len(said) == 4
    assert len(existing_days()) == 5
