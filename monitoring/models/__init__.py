"""What is observed: who collects, how hosts are, samples and their rollups."""

from monitoring.models.collectors import Collector, HostState, Shard
from monitoring.models.rollups import (
    DirtyDay,
    DirtyHour,
    RoleDay,
    RoleHour,
    RollupMark,
    SubjectDay,
    SubjectHour,
)
from monitoring.models.samples import IngestCounter, Sample

__all__ = [
    "Collector",
    "DirtyDay",
    "DirtyHour",
    "HostState",
    "IngestCounter",
    "RoleDay",
    "RoleHour",
    "RollupMark",
    "Sample",
    "Shard",
    "SubjectDay",
    "SubjectHour",
]
