"""Where files and rows are kept."""

import pytest

from inventory.changes import ChangeCluster
from inventory.parameters import parameter_faults
from inventory.rules import propose
from tests.factories import platform_data
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


@pytest.mark.parametrize(
    ("ttl", "expected"),
    [(20, "nothing"), (25, "nothing"), (26, "note"), (29, "note"), (30, "warn")],
)
def test_a_ttl_that_reaches_the_promise_is_warned_about(ttl: int, expected: str) -> None:
    """K18, R130, S13: at 30 the promise cannot be kept, above 25 hardly."""
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


@pytest.mark.parametrize(
    ("platform", "role", "values", "missing"),
    [
        ("voipnow", "web", {}, "s3_endpoint and s3_bucket"),
        ("voipnow", "web", {"s3_endpoint": "https://s3.example.com"}, "s3_bucket"),
        ("voipnow", "web", {"s3_endpoint": "https://s3.example.com", "s3_bucket": "v"}, ""),
        ("voipnow", "web", {"unstructured_backend": "posix"}, ""),
        ("ring2all", "portal", {}, ""),
        ("ring2all", "portal", {"file_storage": "nas"}, "nas_export"),
        ("ring2all", "portal", {"file_storage": "nas", "nas_export": "nas:/r"}, ""),
    ],
)
def test_it_is_told_what_storage_outside_still_needs(
    platform: str, role: str, values: dict[str, object], missing: str
) -> None:
    """R94."""
    found = about(with_parameters(cluster(role, platform=platform), **values), "place-of-files")

    assert outcome(found) == ("note" if missing else "nothing")
    assert all(finding.params["missing"] == missing for finding in found)


def test_a_file_system_that_is_no_backend_is_refused_where_it_is_set() -> None:
    """R94: a POSIX file system or S3, nothing else."""
    platform = platform_data("voipnow")

    assert list(parameter_faults(platform, {"unstructured_backend": "posix"})) == []
    assert list(parameter_faults(platform, {"unstructured_backend": "s3"})) == []
    (fault,) = parameter_faults(platform, {"unstructured_backend": "ftp"})
    assert "posix, s3" in fault


def test_a_ttl_that_patroni_cannot_run_with_is_refused_where_it_is_set() -> None:
    """S13."""
    platform = platform_data("ring2all")

    assert list(parameter_faults(platform, {"patroni_ttl_s": 20})) == []
    assert list(parameter_faults(platform, {"patroni_ttl_s": 19}))


@pytest.mark.parametrize(
    ("slaves", "way", "words"),
    [
        (0, "manual", ""),
        (1, "manual", "set up by hand"),
        (1, "automatic", "our way and not the vendor's"),
    ],
)
def test_it_is_said_how_replication_is_set_up(slaves: int, way: str, words: str) -> None:
    """R98, K17, S12."""
    topology = cluster("sql-master", *["sql-slave"] * slaves)

    found = about(with_parameters(topology, mysql_replication=way), "replication-by-hand")

    assert outcome(found) == ("note" if slaves else "nothing")
    assert all(words in finding.message for finding in found)


def test_the_role_of_files_says_how_much_there_may_be() -> None:
    """R93."""
    role = platform_data("voipnow").role("unstructured-storage")

    assert any("tens of terrabytes" in source.text for source in role.sources)
    assert "disk_space" in role.lead_metrics


@pytest.mark.parametrize(
    ("key", "values", "words"),
    [
        ("patroni-times", {"patroni_loop_wait_s": 11}, "Set patroni_ttl_s to 20"),
        ("failover-in-time", {"patroni_ttl_s": 30}, "Set patroni_ttl_s to 20"),
        ("rows-kept", {"patroni_synchronous_mode": False}, "patroni_synchronous_mode to True"),
    ],
)
def test_the_fix_is_what_the_platform_comes_with(
    key: str, values: dict[str, object], words: str
) -> None:
    """K18, S13: other parameters stay."""
    topology = with_parameters(cluster(platform="ring2all"), public_hostname="a.example", **values)
    (finding,) = about(topology, key)

    fix = propose(topology, finding)

    assert isinstance(fix, ChangeCluster)
    assert words in fix.summary
    after = fix.apply(topology)
    assert about(after, key) == []
    assert after.parameter("public_hostname") == "a.example"


def test_a_platform_without_patroni_is_not_asked() -> None:
    for key in ("patroni-times", "failover-in-time", "rows-kept"):
        assert about(cluster(), key) == []
