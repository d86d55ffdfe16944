"""Judges the size, kind and purpose of disks; pure."""

from collections.abc import Iterator

from provisioning.checks.reading import BlockDevice
from provisioning.checks.registry import judges
from provisioning.checks.sight import ADOPT, Answer, Subject
from provisioning.checks.systems import needing

# Where the data of a role lies; roles without an entry are asked for a disk of their own alone.
PLACES = {
    "database": "/var/lib/postgresql",
    "file-server": "/gluster/brick1",
    "sql-master": "/var/lib/mysql",
    "sql-slave": "/var/lib/mysql",
    "elasticsearch": "/var/lib/elasticsearch",
}
# A disk of 500 GB has 465 GiB, and a file system keeps some of it.
KEPT = 0.1
FAST = ("ssd", "nvme")


@judges("disk-size")
def disk_size(subject: Subject) -> Iterator[Answer]:
    """Sum up the disks, or take the root file system where no disk is seen (R120)."""
    yield from subject.faults("disks")
    machine = subject.machine
    root = machine.places.get("/")
    has = round(sum(d.size_gib for d in machine.disks) or (root.size_gib if root else 0))
    if not has:
        return
    measured = f"{has} GiB"
    short = [(r, h) for r, h in needing(subject) if has < h.disk_gib_min * (1 - KEPT)]
    for role, hardware in short:
        yield subject.failed(
            f"The disks of {subject.name} have {measured}, but {role.name} needs at least "
            f"{hardware.disk_gib_min} GiB.",
            "Add a disk or enlarge one, or move the node.",
            about=role.name,
            measured=measured,
            source=hardware.source,
        )
    if short:
        return
    source = next((hardware.source for _, hardware in needing(subject)), None)
    recorded = subject.container.disk_gib
    if has < recorded * (1 - KEPT):
        yield subject.failed(
            f"The disks of {subject.name} have {measured}, less than the {recorded} GiB of the "
            "inventory.",
            "Adopt what was measured, or add the disk that is missing.",
            measured=measured,
            fix=ADOPT,
            source=source,
        )
        return
    beside = f"; the inventory says {recorded} GiB" if has * (1 - KEPT) > recorded else ""
    yield subject.passed(
        f"The disks of {subject.name} have {measured}{beside}.",
        measured=measured,
        fix=ADOPT if beside else "",
        source=source,
    )


@judges("disk-kind")
def disk_kind(subject: Subject) -> Iterator[Answer]:
    """Look what the data of roles that want solid state will lie on (R121)."""
    wanting = [(r, h) for r, h in needing(subject) if h.disk_kind == "ssd"]
    if not wanting:
        yield subject.not_applicable(f"No role of {subject.name} asks for solid state.")
        return
    yield from subject.faults("disks")
    for role, hardware in wanting:
        disk = _disk_of(subject, role.key)
        if disk is None:
            yield subject.unknown(
                f"{subject.name} does not say which disk the data of {role.name} will lie on.",
                "Look at the hypervisor: nothing below the file system is visible from inside.",
                source=hardware.source,
            )
        elif disk.kind in FAST:
            yield subject.passed(
                f"/dev/{disk.name} of {subject.name} is solid state.",
                measured=_shown(disk),
                source=hardware.source,
            )
        else:
            yield subject.warning(
                f"/dev/{disk.name} of {subject.name} says that it rotates, and every write of "
                f"{role.name} waits for it.",
                "Put the data on an SSD; virtual disks may say so without being so: tell the "
                "hypervisor what they are.",
                measured=_shown(disk),
                source=hardware.source,
            )


@judges("dedicated-disk")
def dedicated_disk(subject: Subject) -> Iterator[Answer]:
    """Ask for another device than the root file system's, or a disk with nothing on it (R155)."""
    wanting = [(r, h) for r, h in needing(subject) if h.dedicated_disk]
    if not wanting:
        yield subject.not_applicable(f"No role of {subject.name} asks for a disk of its own.")
        return
    yield from subject.faults("disks")
    machine = subject.machine
    root = machine.places.get("/")
    for role, hardware in wanting:
        place = machine.places.get(PLACES.get(role.key, "/"))
        if place and root and place.device != root.device:
            yield subject.passed(
                f"The data of {role.name} lies on {place.device}, apart from the system.",
                measured=f"{place.mount}: {place.size_gib:.0f} GiB",
                source=hardware.source,
            )
        elif free := machine.free_disks:
            yield subject.passed(
                f"/dev/{free[0].name} of {subject.name} is empty and can take the data.",
                measured=", ".join(map(_shown, free)),
                source=hardware.source,
            )
        elif place and root:
            yield subject.warning(
                f"The data of {role.name} would lie on the system disk of {subject.name}: what "
                "fills one stops the other.",
                "Add a disk, and mount it where the data will lie before the role is installed.",
                measured=f"{place.device} at {place.mount}",
                source=hardware.source,
            )


def _disk_of(subject: Subject, role: str) -> BlockDevice | None:
    """Return the disk that a role's data lies on, or the only one that there is."""
    machine = subject.machine
    place = machine.places.get(PLACES.get(role, "/"))
    found = machine.disk_under(place.device) if place else None
    disks = [disk for disk in machine.disks if disk.size_gib > 0]
    return found or (disks[0] if len(disks) == 1 else None)


def _shown(disk: BlockDevice) -> str:
    """Write a disk as people do."""
    return f"{disk.name}: {disk.size_gib:.0f} GiB {disk.kind.upper()}"
