"""The states that things of the inventory can be in, as tables."""

from django.db.models import TextChoices


class ClusterKind(TextChoices):
    """How a cluster is spread (R9)."""

    DISTRIBUTED = "distributed", "Distributed"
    SINGLE_NODE = "single_node", "Single node"


class ClusterState(TextChoices):
    """Where a cluster is in its life; `live` is the lock point of K3."""

    PLANNING = "planning", "Planning"
    INSTALLING = "installing", "Installing"
    LIVE = "live", "Live"
    DECOMMISSIONED = "decommissioned", "Decommissioned"


class InfrastructureKind(TextChoices):
    """Who runs the physical layer (R1)."""

    OWN = "own", "Own infrastructure"
    CLOUD = "cloud", "Cloud (IaaS)"


class NetworkKind(TextChoices):
    """Whether addresses of a network are routable from outside (R14)."""

    PRIVATE = "private", "Private"
    PUBLIC = "public", "Public"


class ContainerState(TextChoices):
    """Whether a machine runs (R4)."""

    RUNNING = "running", "Running"
    STOPPED = "stopped", "Stopped"
    FAILED = "failed", "Failed"
    RETIRED = "retired", "Retired"


class DiskKind(TextChoices):
    """What a disk is made of (R121)."""

    SSD = "ssd", "SSD"
    NVME = "nvme", "NVMe"
    HDD = "hdd", "HDD"


class DiskPurpose(TextChoices):
    """What a disk is for (R155)."""

    SYSTEM = "system", "System"
    DATABASE = "database", "Database"
    STORAGE = "storage", "Storage (bricks, recordings)"


class AssignmentState(TextChoices):
    """How far a node's role is: only `active` ones serve."""

    PLANNED = "planned", "Planned"
    INSTALLING = "installing", "Installing"
    ACTIVE = "active", "Active"
    DRAINING = "draining", "Draining"
    FAILED = "failed", "Failed"


class CredentialKind(TextChoices):
    """How a login proves itself."""

    KEY = "key", "Private key"
    PASSWORD = "password", "Password"


class Origin(TextChoices):
    """Where a fact comes from."""

    MEASURED = "measured", "Measured"
    TYPED = "typed", "Typed in"
    VENDOR = "vendor", "Vendor's figure"


class CertificateKind(TextChoices):
    """Whose certificate it is."""

    AUTHORITY = "authority", "Certificate authority"
    HOST = "host", "Machine"
    PUBLIC = "public", "Public side"
