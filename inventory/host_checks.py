"""What has to hold on the machines themselves before a run; declared here, carried out over SSH.

Rules judge what the inventory says; these are the questions that only the machine can answer.
Pure: provisioning asks them and pages list them.
"""

from dataclasses import dataclass

from inventory.platforms.facts import Source


@dataclass(frozen=True)
class HostCheck:
    """A named question to a machine.

    `passes_when` says in a sentence which answer is good; `needed` tells a check that holds a run
    back from one that warns.
    """

    key: str
    title: str
    requirements: tuple[str, ...]
    passes_when: str
    source: Source
    needed: bool = True


HOST_CHECKS = (
    HostCheck(
        "operating-system",
        "The machine runs the operating system that the inventory says",
        ("R18", "R156"),
        "ID, VERSION_ID and architecture of os-release are those of the container, and the "
        "cluster's release supports them.",
        Source(document="004", text="Debian 13 installed on all servers"),
    ),
    HostCheck(
        "processors",
        "The machine has the processors that its roles need",
        ("R120",),
        "The vCPUs that the machine reports are not fewer than the roles' minimum, nor than the "
        "inventory says.",
        Source(document="004", text="Server Roles & Requirements"),
    ),
    HostCheck(
        "memory",
        "The machine has the memory that its roles need",
        ("R120",),
        "The memory that the machine reports reaches the roles' minimum, less what firmware and "
        "kernel keep (5 %).",
        Source(document="004", text="Server Roles & Requirements"),
    ),
    HostCheck(
        "disk-size",
        "The machine has the disk space that its roles need",
        ("R120",),
        "The disks together reach the roles' minimum.",
        Source(document="004", text="Server Roles & Requirements"),
    ),
    HostCheck(
        "disk-kind",
        "Databases lie on solid-state disks",
        ("R121",),
        "The disk of the role's data does not rotate.",
        Source(document="004", text="500GB SSD"),
        needed=False,
    ),
    HostCheck(
        "dedicated-disk",
        "Databases and recordings have a disk of their own",
        ("R155",),
        "The role's data lies on another device than the root file system.",
        Source(document="004", text="Dedicated disks for databases and recordings"),
        needed=False,
    ),
    HostCheck(
        "private-network",
        "The machine has its private address, and reaches the others over it",
        ("R152",),
        "An interface has the address of the inventory, and every other machine answers.",
        Source(document="004", text="Private network configured between all servers"),
    ),
    HostCheck(
        "names",
        "The machine resolves the names of all others",
        ("R153",),
        "Every container's host name resolves to its address in the inventory.",
        Source(document="004", text="All servers can resolve each other by hostname"),
    ),
    HostCheck(
        "ports",
        "The ports of the matrix are open from where they are needed",
        ("R154", "R142", "R143", "R144", "R145", "R146", "R147", "R148", "R149", "R150"),
        "From each machine that a port may come from, a TCP connection or UDP datagram arrives.",
        Source(document="004", text="Required ports open between servers"),
    ),
    HostCheck(
        "too-open-ports",
        "Internal ports do not answer from the public network",
        ("R151",),
        "From the public side no port answers that the matrix calls internal.",
        Source(document="004", text="Internal Network"),
    ),
)
