"""The REST API of the inventory: reads are declared, writes are the operations of the pages."""

from rest_framework.viewsets import GenericViewSet

from inventory.api import (
    clusters,
    containers,
    findings,
    grants,
    history,
    logins,
    nodes,
    places,
    platforms,
)

routes: list[tuple[str, type[GenericViewSet], str]] = [
    ("platforms", platforms.PlatformViewSet, "platform"),
    ("releases", platforms.ReleaseViewSet, "release"),
    ("roles", platforms.RoleViewSet, "role"),
    ("clusters", clusters.ClusterViewSet, "cluster"),
    ("locations", places.LocationViewSet, "location"),
    ("hypervisors", places.HypervisorViewSet, "hypervisor"),
    ("networks", places.NetworkViewSet, "network"),
    ("containers", containers.ContainerViewSet, "container"),
    ("nodes", nodes.NodeViewSet, "node"),
    ("placements", nodes.PlacementViewSet, "placement"),
    ("role-assignments", nodes.RoleAssignmentViewSet, "role-assignment"),
    ("availability-groups", nodes.AvailabilityGroupViewSet, "availability-group"),
    ("balancers", nodes.BalancerViewSet, "balancer"),
    ("credentials", logins.CredentialViewSet, "credential"),
    ("bastions", logins.BastionViewSet, "bastion"),
    ("grants", grants.GrantViewSet, "grant"),
    ("facts", history.FactViewSet, "fact"),
    ("events", history.EventViewSet, "event"),
    ("waivers", findings.WaiverViewSet, "waiver"),
    ("rules", findings.RuleViewSet, "rule"),
    ("changes", history.ChangeViewSet, "change"),
    ("maintenance-windows", places.MaintenanceWindowViewSet, "maintenance-window"),
]
