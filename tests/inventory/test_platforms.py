"""The platforms that come along say what their vendors' documents say."""

from collections.abc import Iterator
from datetime import date
from functools import cache

import pytest

from inventory.platforms.facts import Block, Source
from inventory.platforms.loading import BUILTIN, load_platform
from inventory.platforms.schema import HaLevel, Platform, Reserve


@cache
def read(key: str) -> Platform:
    """Read a platform once."""
    return load_platform(BUILTIN / f"{key}.yaml")


def blocks(block: Block) -> Iterator[Block]:
    """Yield a block and all blocks in it."""
    yield block
    for name in type(block).model_fields:
        value = getattr(block, name)
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, Block):
                yield from blocks(inner)


def test_the_distributed_database_is_a_day_zero_decision_in_groups() -> None:
    role = read("voipnow").role("distributed-database")

    assert role.counts.never_changes
    assert role.counts.assignable_up_to_extensions == 3
    assert role.grouping
    assert (role.grouping.min_size, role.grouping.max_size) == (2, 4)
    assert role.grouping.required
    assert role.grouping.equal_sizes


def test_the_sql_master_needs_ha_of_the_virtualization_layer() -> None:
    failure = read("voipnow").role("sql-master").failure

    assert failure.level is HaLevel.OS
    assert failure.needs_virtualization_ha
    assert failure.reserve is Reserve.SINGLE


def test_elasticsearch_is_gone_from_5_7() -> None:
    platform = read("voipnow")

    assert platform.release("5").has_role("elasticsearch")
    assert not platform.release("5.7").has_role("elasticsearch")


@pytest.mark.parametrize(
    ("release", "os_id", "version", "supported"),
    [
        ("5", "rhel", "7.9", True),
        ("5", "rhel", "8.10", True),
        ("5", "centos", "8", True),
        ("5", "rhel", "9.1", False),
        ("5", "centos", "6.6", False),
        ("5", "debian", "13", False),
        ("legacy", "rhel", "6.5", False),
        ("legacy", "rhel", "6.10", True),
        ("legacy", "centos", "6.6", True),
        ("legacy", "centos", "6.60", False),
        ("legacy", "centos", "7.1.1503", True),
        ("legacy", "centos", "8", False),
    ],
)
def test_operating_systems_belong_to_a_release(
    release: str, os_id: str, version: str, supported: bool
) -> None:
    systems = read("voipnow").release(release).operating_systems

    assert any(s.matches(os_id=os_id, version=version) for s in systems) is supported


def test_centos_is_past_its_end_of_life() -> None:
    systems = read("voipnow").release("5").operating_systems
    ends = {s.version: s.end_of_life_on for s in systems if s.id == "centos"}

    assert ends == {"7": date(2024, 6, 30), "8": date(2021, 12, 31)}


def test_every_server_with_a_sidecar_reaches_database_and_patroni() -> None:
    platform = read("ring2all")
    clients = {"admin", "api", "portal", "switchboard", "telephony"}

    for key in ("postgresql", "patroni-api"):
        port = next(p for p in platform.ports if p.key == key)
        assert {role.key for role in platform.selected_roles(port.from_)} == clients
        assert [role.key for role in platform.selected_roles(port.to)] == ["database"]


def test_install_order_follows_the_overview_and_voipnow_begins_with_storage() -> None:
    ring2all = [step.roles for step in read("ring2all").install_order]
    storage = {role.key for role in read("voipnow").roles if role.layer == "storage"}
    first = {key for step in read("voipnow").install_order[: len(storage)] for key in step.roles}

    assert ring2all == [
        ("database",),
        ("file-server",),
        ("admin", "api"),
        ("portal",),
        ("switchboard",),
        ("telephony",),
        ("load-balancer",),
    ]
    assert first == storage


def test_patroni_parameters_keep_the_promised_failover() -> None:
    value = {p.key: p.default for p in read("ring2all").parameters}
    ttl, wait, retry = (
        value[f"patroni_{name}_s"] for name in ("ttl", "loop_wait", "retry_timeout")
    )

    assert isinstance(ttl, int)
    assert isinstance(wait, int)
    assert isinstance(retry, int)
    assert ttl >= 20
    assert wait + 2 * retry <= ttl < 30
    assert value["patroni_synchronous_mode"] is value["patroni_synchronous_mode_strict"] is True


@pytest.mark.parametrize("key", ["ring2all", "voipnow"])
def test_every_source_is_a_sentence_of_a_named_document(key: str) -> None:
    sources = [block for block in blocks(read(key)) if isinstance(block, Source)]

    assert len(sources) > 100
    assert all(len(source.text) > 3 for source in sources)


@pytest.mark.parametrize(
    ("key", "numbers"),
    [
        ("voipnow", [*range(25, 49), *range(53, 61), *range(68, 76), *range(79, 91)]),
        ("ring2all", [*range(112, 120), *range(122, 129), *range(130, 157)]),
    ],
)
def test_every_requirement_about_the_data_is_in_it(key: str, numbers: list[int]) -> None:
    cited: set[str] = set()
    for block in blocks(read(key)):
        cited.update(getattr(block, "requirements", ()))
        cited.add(str(getattr(block, "id", "")))
        cited.add(str(getattr(block, "requirement", "")))

    assert {f"R{number}" for number in numbers} <= cited
