"""Metrics as data, and their quantisation."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.metrics import HOST, LAYOUTS, Metric, layout_with

PERCENT = Metric("p", "P", "%", 0.01, maximum=100)


@given(st.floats(min_value=0, max_value=100))
def test_quantising_is_off_by_half_a_quantum_at_most(value: float) -> None:
    stored = PERCENT.quantise(value)

    assert stored is not None
    restored = PERCENT.value(stored)
    assert restored is not None
    assert abs(restored - value) <= 0.005 + 1e-9
    assert PERCENT.quantise(restored) == stored


@pytest.mark.parametrize("value", [None, math.nan, -1.0])
def test_what_cannot_be_is_missing(value: float | None) -> None:
    assert PERCENT.quantise(value) is None


def test_what_exceeds_32_bits_is_missing_and_what_exceeds_the_maximum_is_the_maximum() -> None:
    assert Metric("b", "B", "B", 1).quantise(2.0**31) is None
    assert PERCENT.quantise(100.4) == 10_000


def test_every_key_is_in_one_layout_only() -> None:
    keys = [metric.key for layout in LAYOUTS.values() for metric in layout.metrics]

    assert len(keys) == len(set(keys))
    assert layout_with("cpu_percent") is HOST
    with pytest.raises(KeyError):
        layout_with("nonsense")


def test_a_layout_keeps_its_order_for_ever() -> None:
    assert [metric.key for metric in HOST.metrics][:3] == [
        "cpu_percent",
        "memory_used_percent",
        "memory_used_bytes",
    ]
