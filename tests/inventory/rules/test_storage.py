"""Where files and rows are kept."""

import pytest

from tests.inventory.rules.pictures import about, cluster, outcome
from tests.inventory.rules.test_availability import with_parameters


@pytest.mark.parametrize(
    ("backend", "expected"),
    [(None, "nothing"), ("s3", "nothing"), ("posix", "warn"), ("nfs", "warn")],
)
def test_object_storage_is_preferred(backend: str | None, expected: str) -> None:
    """R93, R94, R95."""
    values = {"unstructured_backend": backend} if backend else {}

    assert outcome(about(with_parameters(cluster(), **values), "object-storage")) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "nothing"),
        ({"file_storage": "nas"}, "ask"),
        ({"file_storage": "nas", "nas_has_ha": True}, "nothing"),
    ],
)
def test_a_single_nas_has_to_be_answered_for(values: dict[str, object], expected: str) -> None:
    """K20: both documents are cited."""
    found = about(with_parameters(cluster(platform="ring2all"), **values), "nas-available")

    assert outcome(found) == expected
    assert all(len(f.sources) == 2 for f in found)


@pytest.mark.parametrize(
    ("ttl", "loop_wait", "retry_timeout", "expected"),
    [
        (20, 5, 5, "nothing"),
        (19, 5, 5, "hold"),
        (20, 10, 5, "nothing"),
        (20, 11, 5, "hold"),
    ],
)
def test_the_times_of_patroni_fit_each_other(
    ttl: int, loop_wait: int, retry_timeout: int, expected: str
) -> None:
    """S13."""
    topology = with_parameters(
        cluster(platform="ring2all"),
        patroni_ttl_s=ttl,
        patroni_loop_wait_s=loop_wait,
        patroni_retry_timeout_s=retry_timeout,
    )

    assert outcome(about(topology, "patroni-times")) == expected


@pytest.mark.parametrize(("ttl", "expected"), [(29, "nothing"), (30, "warn")])
def test_a_ttl_that_reaches_the_promise_is_warned_about(ttl: int, expected: str) -> None:
    """K18, R130."""
    topology = with_parameters(cluster(platform="ring2all"), patroni_ttl_s=ttl)

    assert outcome(about(topology, "failover-in-time")) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "nothing"),
        ({"patroni_synchronous_mode": False}, "warn"),
        ({"patroni_synchronous_mode_strict": False}, "warn"),
    ],
)
def test_rows_are_kept_by_strictly_synchronous_replication(
    values: dict[str, object], expected: str
) -> None:
    """K18, R131, S13."""
    topology = with_parameters(cluster(platform="ring2all"), **values)

    assert outcome(about(topology, "rows-kept")) == expected


def test_a_platform_without_patroni_is_not_asked() -> None:
    for key in ("patroni-times", "failover-in-time", "rows-kept"):
        assert about(cluster(), key) == []
