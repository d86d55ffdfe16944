"""What has to hold on the machines themselves before a run; declared here, carried out over SSH.

Rules judge what the inventory says; these are the questions that only the machine can answer.
Pure: `provisioning/checks` asks and judges them, and pages list them.
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


OURS = "voipadmin"
HOST_CHECKS = (
    HostCheck(
        "login",
        "The portal logs in and may do what root may",
        ("S8",),
        "A fresh login over SSH succeeds, and its shell is root's, by itself or by sudo.",
        Source(document="S8", text="SSH from portal and bastion."),
    ),
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
        "An interface has the address of the inventory, and every other machine answers a ping "
        "from it.",
        Source(document="004", text="Private network configured between all servers"),
    ),
    HostCheck(
        "public-address",
        "The machine has its public address",
        ("R5", "R17"),
        "An interface has the public address of the inventory, unless it is behind NAT.",
        Source(
            document="000",
            text="Given at least a network address (only private, only public, or both types)",
        ),
        needed=False,
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
    HostCheck(
        "clock",
        "The clocks agree",
        ("S8",),
        "The machine's clock differs from the portal's, and from the other machines', by half a "
        "second at most.",
        Source(document="S8", text="VRRP, time, DNS."),
    ),
    HostCheck(
        "time-synchronisation",
        "The clock is kept right",
        ("S8",),
        "A time service runs and says that the clock is synchronised; a container's clock is its "
        "host's.",
        Source(document="S8", text="VRRP, time, DNS."),
        needed=False,
    ),
    HostCheck(
        "package-repositories",
        "The package repositories answer",
        (),
        "Every repository that the machine's package manager knows, and those of the cluster's "
        "parameters that its roles need, answer from the machine.",
        Source(document=OURS, text="What is not there yet is installed from repositories."),
    ),
    HostCheck(
        "clean-target",
        "Nothing foreign is where a role is to be installed",
        (),
        "No database, consensus, storage, telephony or web server runs or has data there that the "
        "portal did not install.",
        Source(document=OURS, text="A run never takes over what somebody else installed."),
    ),
)

BY_KEY = {check.key: check for check in HOST_CHECKS}
