"""Platforms in the database: written as immutable revisions, merged with overrides when read."""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from inventory.history import lock_clusters
from inventory.models import Cluster, Platform, PlatformOverride, PlatformRevision, Release, Role
from inventory.platforms.errors import PlatformError
from inventory.platforms.loading import content, content_hash, from_content
from inventory.platforms.overrides import Override, merge
from inventory.platforms.schema import Platform as PlatformData

logger = logging.getLogger(__name__)


@dataclass
class SyncResult:
    """What a sync did to one platform, a line per change."""

    platform: str
    revision: int | None = None
    changes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Tell whether anything was written."""
        return bool(self.changes)


def sync_platforms(
    *, platforms: Sequence[PlatformData], retire_missing: bool = False
) -> list[SyncResult]:
    """Write platforms as revisions; what vanished is retired, clusters' pins stay as they are.

    With `retire_missing` the platforms are all there are: others are retired. Never touches
    overrides. Each platform is one transaction under the locks of its clusters.
    """
    results = [_sync_platform(data) for data in sorted(platforms, key=lambda p: p.key)]
    if retire_missing:
        keys = [data.key for data in platforms]
        gone = Platform.objects.exclude(key__in=keys).filter(retired_at=None).order_by("key")
        results += [_retire_platform(row) for row in gone]
    return results


def effective_platform(revision: PlatformRevision, *, at: datetime | None = None) -> PlatformData:
    """Return a revision with the overrides in force laid over it; takes one query.

    An override that does not fit this revision is left out and logged: reading must not fail.
    """
    return _effective(revision, overrides_in_force(revision.platform_id, at=at))[0]


def overrides_in_force(platform_id: int, *, at: datetime | None = None) -> list[Override]:
    """Return a platform's overrides that have not expired, oldest first."""
    rows = PlatformOverride.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=at or timezone.now()), platform_id=platform_id
    ).order_by("created_at", "pk")
    return [Override(row.path, row.value, row.reason) for row in rows]


def check_override(revision: PlatformRevision, override: Override) -> PlatformData:
    """Return the platform as the override would make it; raises PlatformError when it cannot."""
    merged = merge(revision.content, [*overrides_in_force(revision.platform_id), override])
    return from_content(merged, origin="override")


@transaction.atomic
def _sync_platform(data: PlatformData) -> SyncResult:
    """Bring one platform's rows in step with its file."""
    result = SyncResult(data.key)
    row = _locked_platform(data, result)
    _sync_fields(row, data, result)
    revision = _sync_revision(row, content(data), result)
    effective, unfit = _effective(revision, overrides_in_force(row.pk))
    result.warnings += [f"override {o.path} does not fit revision {revision.number}" for o in unfit]
    _sync_roles(row, effective, result)
    _sync_releases(row, effective, result)
    return result


def _locked_platform(data: PlatformData, result: SyncResult) -> Platform:
    """Lock the platform against a second sync, and its clusters against whoever reads rules."""
    _, created = Platform.objects.get_or_create(
        key=data.key, defaults={"name": data.name, "vendor": data.vendor}
    )
    if created:
        result.changes.append("platform added")
    # no_key: a cluster that is being added holds a key-share lock on its platform meanwhile.
    row = Platform.objects.select_for_update(no_key=True).get(key=data.key)
    lock_clusters(Cluster.objects.filter(platform=row).values_list("pk", flat=True))
    return row


def _sync_fields(row: Platform, data: PlatformData, result: SyncResult) -> None:
    """Take name and vendor over, and a retired platform back."""
    if row.retired_at:
        result.changes.append("platform restored")
    elif (row.name, row.vendor) != (data.name, data.vendor):
        result.changes.append(f"platform renamed: {data.name} by {data.vendor}")
    else:
        return
    row.name, row.vendor, row.retired_at = data.name, data.vendor, None
    row.save(update_fields=["name", "vendor", "retired_at"])


def _sync_revision(row: Platform, data: dict[str, Any], result: SyncResult) -> PlatformRevision:
    """Append a revision unless the newest says the same; older ones are never touched."""
    newest = row.revisions.order_by("-number").first()
    if newest is None or newest.content_hash != content_hash(data):
        newest = PlatformRevision.objects.create(
            platform=row,
            number=newest.number + 1 if newest else 1,
            content_hash=content_hash(data),
            content=data,
        )
        result.changes.append(f"revision {newest.number} added")
    result.revision = newest.number
    return newest


def _sync_roles(row: Platform, data: PlatformData, result: SyncResult) -> None:
    """Bring the role rows in step; their keys are what assignments point to."""
    known = {role.key: role for role in row.roles.all()}
    for role in data.roles:
        _sync_row(
            known.pop(role.key, Role(platform=row, key=role.key)),
            {"name": role.name, "layer": role.layer, "retired_at": None},
            "role",
            result,
        )
    _retire(known.values(), "role", result)


def _sync_releases(row: Platform, data: PlatformData, result: SyncResult) -> None:
    """Bring the release rows in step; their keys are what clusters pin."""
    known = {release.key: release for release in row.releases.all()}
    for release in data.releases:
        _sync_row(
            known.pop(release.key, Release(platform=row, key=release.key)),
            {"name": release.name, "retired_at": None},
            "release",
            result,
        )
    _retire(known.values(), "release", result)


def _sync_row(row: Role | Release, values: dict[str, Any], kind: str, result: SyncResult) -> None:
    """Write a row that is new or differs, and say which of the two."""
    differing = {name: value for name, value in values.items() if getattr(row, name) != value}
    if row.pk and not differing:
        return
    verb = "added" if not row.pk else "restored" if "retired_at" in differing else "changed"
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    result.changes.append(f"{kind} {row.key} {verb}")


def _retire(rows: Iterable[Role | Release], kind: str, result: SyncResult) -> None:
    """Retire what the file no longer has; clusters and history still point to it."""
    for row in rows:
        if row.retired_at is None:
            row.retired_at = timezone.now()
            row.save(update_fields=["retired_at"])
            result.changes.append(f"{kind} {row.key} retired")


@transaction.atomic
def _retire_platform(platform: Platform) -> SyncResult:
    """Retire a platform whose file is gone; its clusters go on with their revisions."""
    row = Platform.objects.select_for_update(no_key=True).get(pk=platform.pk)
    lock_clusters(Cluster.objects.filter(platform=row).values_list("pk", flat=True))
    row.retired_at = timezone.now()
    row.save(update_fields=["retired_at"])
    return SyncResult(row.key, changes=["platform retired"])


def _effective(
    revision: PlatformRevision, overrides: Sequence[Override]
) -> tuple[PlatformData, list[Override]]:
    """Return the merged platform, and the overrides that do not fit it."""
    try:
        return _merged(_Question.of(revision, overrides)), []
    except PlatformError:
        fitting, unfit = _sort_out(revision, overrides)
    for override in unfit:
        logger.warning("%s: override %s does not fit and is left out", revision, override.path)
    return _merged(_Question.of(revision, fitting)), unfit


def _sort_out(
    revision: PlatformRevision, overrides: Sequence[Override]
) -> tuple[list[Override], list[Override]]:
    """Tell the overrides that fit from those that do not, oldest first."""
    fitting: list[Override] = []
    unfit: list[Override] = []
    for override in overrides:
        try:
            _merged(_Question.of(revision, [*fitting, override]))
        except PlatformError:
            unfit.append(override)
        else:
            fitting.append(override)
    return fitting, unfit


@dataclass(frozen=True)
class _Question:
    """What a merged platform depends on; equal questions have equal answers."""

    content_hash: str
    overrides: str
    content: dict[str, Any] = field(compare=False)

    @classmethod
    def of(cls, revision: PlatformRevision, overrides: Sequence[Override]) -> "_Question":
        """Ask for a revision with overrides."""
        return cls(revision.content_hash, json.dumps(overrides, sort_keys=True), revision.content)


@lru_cache(maxsize=64)
def _merged(question: _Question) -> PlatformData:
    """Return the platform; validating its content is the dear part, and content never changes."""
    overrides = [Override(*parts) for parts in json.loads(question.overrides)]
    return from_content(merge(question.content, overrides), origin="revision with overrides")
