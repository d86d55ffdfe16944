"""What each level of access allows, as a table; pure. docs/access.md tells it in sentences."""

from django.db.models import TextChoices


class AccessLevel(TextChoices):
    """What a user may do in a cluster; two levels of one user add up."""

    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"
    APPROVER = "approver", "Approver"
    ADMINISTRATOR = "administrator", "Administrator"


def _named(app: str, *verbs: str, of: tuple[str, ...]) -> frozenset[str]:
    """Return permissions such as inventory.view_node."""
    return frozenset(f"{app}.{verb}_{model}" for verb in verbs for model in of)


_WRITE = ("add", "change", "delete")
_RUNS = ("run", "step", "attempt", "line", "containerlock", "preflight", "checkresult")
_LOOK = (
    _named(
        "inventory",
        "view",
        of=(
            "address",
            "availabilitygroup",
            "balancer",
            "certificate",
            "change",
            "cluster",
            "container",
            "disk",
            "event",
            "fact",
            "hypervisor",
            "location",
            "maintenancewindow",
            "network",
            "node",
            "placement",
            "platform",
            "platformoverride",
            "platformrevision",
            "release",
            "role",
            "roleassignment",
            "waiver",
        ),
    )
    | _named("provisioning", "view", of=_RUNS)
    | _named("monitoring", "view", of=("hoststate",))
)
_OPERATE = _named(
    "inventory", *_WRITE, of=("balancer", "container", "maintenancewindow", "network", "node")
) | {
    "inventory.change_cluster",
    "inventory.add_fact",
    "inventory.provision_cluster",
    "inventory.view_bastion",
}
_APPROVE = frozenset(
    {
        "inventory.accept_warning",
        "provisioning.approve_step",
        "provisioning.skip_step",
        "provisioning.retry_from_step",
    }
)
_ADMINISTER = _named("inventory", "view", *_WRITE, of=("credential", "grant")) | {
    "inventory.delete_cluster",
    "inventory.override_lock",
    "inventory.repin_host_key",
    "inventory.view_secret",
    "inventory.change_certificate",
}

# What a level allows in the cluster that it was granted for.
IN_A_CLUSTER: dict[AccessLevel, frozenset[str]] = {
    AccessLevel.VIEWER: _LOOK,
    AccessLevel.OPERATOR: _LOOK | _OPERATE,
    AccessLevel.APPROVER: _LOOK | _APPROVE,
    AccessLevel.ADMINISTRATOR: _LOOK | _OPERATE | _APPROVE | _ADMINISTER,
}

# What it allows besides when granted for all clusters: what clusters share, and new ones.
_SHARED = _named("inventory", *_WRITE, of=("location", "hypervisor"))
_FOUND = _named("inventory", *_WRITE, of=("platformoverride", "bastion")) | {
    "inventory.add_cluster",
    "provisioning.view_operations",
}
EVERYWHERE: dict[AccessLevel, frozenset[str]] = {
    AccessLevel.VIEWER: _LOOK,
    AccessLevel.OPERATOR: IN_A_CLUSTER[AccessLevel.OPERATOR] | _SHARED,
    AccessLevel.APPROVER: IN_A_CLUSTER[AccessLevel.APPROVER],
    AccessLevel.ADMINISTRATOR: IN_A_CLUSTER[AccessLevel.ADMINISTRATOR] | _SHARED | _FOUND,
}
