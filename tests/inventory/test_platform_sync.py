"""Syncing writes immutable revisions, retires instead of deleting, and leaves local facts alone."""

from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from inventory.history import lock_clusters
from inventory.models import Cluster, Platform, PlatformOverride, PlatformRevision
from inventory.platform_sync import check_override, effective_platform, sync_platforms
from inventory.platforms.errors import PlatformError
from inventory.platforms.loading import content, from_content, load_platform
from inventory.platforms.overrides import Override
from inventory.platforms.schema import Platform as PlatformData
from tests.factories import make_cluster, make_platforms, make_user

TINY = Path(__file__).parent / "tiny_platform.yaml"


def tiny(*changes: tuple[str, str]) -> PlatformData:
    """Return the tiny platform with some of its text replaced."""
    data = content(load_platform(TINY))
    for path, name in changes:
        kind, index, field = path.split(".")
        data[kind][int(index)][field] = name
    return from_content(data)


def without_switch() -> PlatformData:
    """Return the tiny platform with one role less."""
    data = content(load_platform(TINY))
    for name in ("roles", "install_order"):
        data[name] = data[name][:1]
    del data["ports"]
    return from_content(data)


def override(platform: Platform, path: str, value: object, *, author: User) -> PlatformOverride:
    """Lay a local fact over a platform."""
    return PlatformOverride.objects.create(
        platform=platform, path=path, value=value, reason="Agreed with the vendor.", author=author
    )


def tiny_revision() -> PlatformRevision:
    """Sync the tiny platform and return its revision."""
    sync_platforms(platforms=[tiny()])
    return PlatformRevision.objects.get(platform__key="tiny", number=1)


@pytest.mark.django_db
def test_a_first_sync_writes_platform_revision_roles_and_releases() -> None:
    (result,) = sync_platforms(platforms=[tiny()])

    platform = Platform.objects.get(key="tiny")
    assert result.revision == 1
    assert list(platform.roles.values_list("key", "layer")) == [
        ("store", "data"),
        ("switch", "voice"),
    ]
    assert [release.key for release in platform.releases.all()] == ["2.0"]
    assert from_content(platform.revisions.get().content) == tiny()


@pytest.mark.django_db
def test_a_second_sync_changes_nothing() -> None:
    sync_platforms(platforms=[tiny()])

    (result,) = sync_platforms(platforms=[tiny()])

    assert not result.changed
    assert result.revision == 1


@pytest.mark.django_db
def test_new_content_is_a_new_revision_and_the_old_one_stays() -> None:
    sync_platforms(platforms=[tiny()])

    (result,) = sync_platforms(platforms=[tiny(("roles.1.name", "Exchange"))])

    revisions = PlatformRevision.objects.filter(platform__key="tiny").order_by("number")
    names = [from_content(r.content).role("switch").name for r in revisions]
    assert result.changes == ["revision 2 added", "role switch changed"]
    assert names == ["Switch", "Exchange"]


@pytest.mark.django_db
def test_content_that_returns_is_the_newest_revision_again() -> None:
    for data in (tiny(), tiny(("roles.1.name", "Exchange")), tiny()):
        sync_platforms(platforms=[data])

    newest = Platform.objects.get(key="tiny").revisions.latest()

    assert newest.number == 3
    assert from_content(newest.content).role("switch").name == "Switch"


@pytest.mark.django_db
def test_a_vanished_role_is_retired_and_comes_back_as_the_same_row() -> None:
    sync_platforms(platforms=[tiny()])
    role = Platform.objects.get(key="tiny").roles.get(key="switch")

    (gone,) = sync_platforms(platforms=[without_switch()])
    role.refresh_from_db()
    retired_at = role.retired_at
    (back,) = sync_platforms(platforms=[tiny()])
    role.refresh_from_db()

    assert gone.changes == ["revision 2 added", "role switch retired"]
    assert retired_at is not None
    assert back.changes == ["revision 3 added", "role switch restored"]
    assert role.retired_at is None


@pytest.mark.django_db
def test_a_cluster_keeps_its_revision() -> None:
    cluster = make_cluster(platform="ring2all")
    pinned = cluster.revision
    data = content(from_content(pinned.content))
    data["roles"][0]["name"] = "PostgreSQL"

    sync_platforms(platforms=[from_content(data)])
    cluster.refresh_from_db()

    assert cluster.revision == pinned
    assert cluster.platform.revisions.latest().number == 2


@pytest.mark.django_db
def test_only_a_complete_sync_retires_a_platform() -> None:
    sync_platforms(platforms=[tiny()])

    partial = sync_platforms(platforms=[])
    (complete,) = sync_platforms(platforms=[], retire_missing=True)
    again = sync_platforms(platforms=[], retire_missing=True)
    (back,) = sync_platforms(platforms=[tiny()], retire_missing=True)

    assert partial == again == []
    assert complete.changes == ["platform retired"]
    assert back.changes == ["platform restored"]


@pytest.mark.django_db
def test_an_override_survives_a_sync_and_is_merged_when_read() -> None:
    platform = tiny_revision().platform
    override(platform, "roles.switch.counts.maximum", 20, author=make_user())

    sync_platforms(platforms=[tiny(("roles.1.name", "Exchange"))])
    counts = effective_platform(platform.revisions.latest()).role("switch").counts

    assert counts.maximum == 20
    assert [source.document for source in counts.sources] == ["manual", "local"]
    assert counts.also[0].text == "Agreed with the vendor."
    assert PlatformOverride.objects.count() == 1
    assert platform.revisions.latest().content["roles"][1]["counts"]["maximum"] == 9


@pytest.mark.django_db
def test_an_expired_override_no_longer_counts() -> None:
    revision = tiny_revision()
    row = override(revision.platform, "roles.switch.counts.maximum", 20, author=make_user())
    row.expires_at = row.created_at + timedelta(days=1)
    row.save()

    now = effective_platform(revision, at=timezone.now())
    later = effective_platform(revision, at=row.expires_at)

    assert now.role("switch").counts.maximum == 20
    assert later.role("switch").counts.maximum == 9


@pytest.mark.django_db
def test_a_role_added_by_an_override_gets_its_row_at_the_next_sync() -> None:
    platform = tiny_revision().platform
    store = content(tiny())["roles"][0]
    author = make_user()
    override(platform, "roles.archive", store | {"key": "archive", "name": "A"}, author=author)
    override(platform, "install_order.1.roles", ["store", "archive"], author=author)

    (result,) = sync_platforms(platforms=[tiny()])

    assert result.changes == ["role archive added"]
    assert platform.roles.filter(key="archive", retired_at=None).exists()


@pytest.mark.django_db
def test_an_override_that_no_longer_fits_is_left_out_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    revision = tiny_revision()
    author = make_user()
    override(revision.platform, "roles.gone.counts.maximum", 20, author=author)
    override(revision.platform, "roles.switch.counts.maximum", 12, author=author)

    (result,) = sync_platforms(platforms=[tiny()])
    effective = effective_platform(revision)

    assert result.warnings == ["override roles.gone.counts.maximum does not fit revision 1"]
    assert effective.role("switch").counts.maximum == 12
    assert "roles.gone.counts.maximum does not fit" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("roles.switch.counts.maximum", 0),
        ("roles.switch.counts.maximum", "many"),
        ("roles.switch.counts.maximun", 20),
        ("roles.switch.grouping.max_size", 4),
        ("roles.switch", None),
        ("releases.2.0.operating_systems.0", {}),
    ],
)
def test_an_override_that_makes_no_sense_is_refused(path: str, value: object) -> None:
    revision = tiny_revision()

    with pytest.raises(PlatformError):
        check_override(revision, Override(path, value, "Because."))


@pytest.mark.django_db
def test_a_release_with_a_dot_in_its_key_can_be_overridden() -> None:
    revision = tiny_revision()
    system = content(tiny())["releases"][0]["operating_systems"][0]
    rocky = system | {"id": "rocky", "name": "Rocky 8", "version": "8"}

    path = "releases.2.0.operating_systems"
    changed = check_override(revision, Override(path, [system, rocky], "Tried by us."))

    systems = changed.release("2.0").operating_systems
    assert any(s.matches(os_id="rocky", version="8.10") for s in systems)


@pytest.mark.django_db
def test_a_default_can_be_overridden_within_its_bounds() -> None:
    make_platforms()
    revision = Platform.objects.get(key="ring2all").revisions.get()

    changed = check_override(revision, Override("parameters.patroni_ttl_s.default", 25, "Slow."))

    assert changed.parameter("patroni_ttl_s").default == 25
    with pytest.raises(PlatformError, match="19 is below the minimum"):
        check_override(revision, Override("parameters.patroni_ttl_s.default", 19, "Fast."))


@pytest.mark.django_db
def test_reading_a_platform_takes_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    revision = tiny_revision()

    with django_assert_num_queries(1):
        effective_platform(revision)


@pytest.mark.django_db
def test_the_command_adds_a_folder_of_the_operator_and_prints_what_changed(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY.read_text(encoding="utf-8"), encoding="utf-8")
    settings.PLATFORM_DIRS = [tmp_path]

    call_command("sync_platforms")
    first = capsys.readouterr().out
    call_command("sync_platforms")
    second = capsys.readouterr().out

    assert "tiny: role switch added" in first
    assert second.splitlines() == [
        f"{key}: unchanged, revision 1" for key in ("ring2all", "tiny", "voipnow")
    ]


@pytest.mark.django_db
def test_the_command_changes_nothing_when_one_file_has_a_fault(
    settings: Settings, tmp_path: Path
) -> None:
    text = TINY.read_text(encoding="utf-8").replace("layer: voice", "layer: voices")
    (tmp_path / "tiny.yaml").write_text(text, encoding="utf-8")
    settings.PLATFORM_DIRS = [tmp_path]

    with pytest.raises(CommandError, match=r"tiny\.yaml:\d+: roles\.switch\.layer: voices is not"):
        call_command("sync_platforms")

    assert not Platform.objects.exists()


def wait_for_a_waiting_lock(finished: Event) -> bool:
    """Return whether somebody comes to wait for a lock before the thread has finished."""
    while not finished.wait(0.02):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            row = cursor.fetchone()
        if row and row[0]:
            return True
    return False


@pytest.mark.django_db(transaction=True)
def test_a_sync_waits_for_whoever_holds_a_cluster() -> None:
    cluster = make_cluster(platform="ring2all")
    changed = content(from_content(cluster.revision.content)) | {"description": "Changed."}
    finished = Event()

    def sync() -> None:
        sync_platforms(platforms=[from_content(changed)])
        finished.set()
        connection.close()

    thread = Thread(target=sync)
    with transaction.atomic():
        lock_clusters(Cluster.objects.values_list("pk", flat=True))
        thread.start()
        waited = wait_for_a_waiting_lock(finished)
        seen = PlatformRevision.objects.filter(platform=cluster.platform).count()
    thread.join(10)

    assert waited
    assert seen == 1
    assert PlatformRevision.objects.filter(platform=cluster.platform).count() == 2
