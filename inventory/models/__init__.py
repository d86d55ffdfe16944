"""What exists: the rows of the inventory, one concept a module."""

from inventory.models.bastions import Bastion
from inventory.models.certificates import Certificate
from inventory.models.clusters import Cluster, Hypervisor, Location, MaintenanceWindow, Network
from inventory.models.containers import Address, Container, Disk
from inventory.models.credentials import Credential, Secret
from inventory.models.grants import Grant
from inventory.models.history import Change, Event, Fact
from inventory.models.nodes import AvailabilityGroup, Balancer, Node, Placement, RoleAssignment
from inventory.models.platforms import Platform, PlatformOverride, PlatformRevision, Release, Role
from inventory.models.waivers import Waiver

__all__ = [
    "Address",
    "AvailabilityGroup",
    "Balancer",
    "Bastion",
    "Certificate",
    "Change",
    "Cluster",
    "Container",
    "Credential",
    "Disk",
    "Event",
    "Fact",
    "Grant",
    "Hypervisor",
    "Location",
    "MaintenanceWindow",
    "Network",
    "Node",
    "Placement",
    "Platform",
    "PlatformOverride",
    "PlatformRevision",
    "Release",
    "Role",
    "RoleAssignment",
    "Secret",
    "Waiver",
]
