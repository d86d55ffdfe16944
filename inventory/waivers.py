"""Answering for findings: who may accept a warning or override a lock, and until when."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from inventory.models import Cluster, Waiver
from inventory.operations import GrantWaiver, Result, RevokeWaiver, perform
from inventory.rules import RULES, Finding, Severity, findings
from inventory.snapshot import load_topology, waiver_view
from inventory.topology import Topology, WaiverView

ACCEPT, OVERRIDE = "inventory.accept_warning", "inventory.override_lock"
LONGEST = timedelta(days=366)


def is_lock(key: str) -> bool:
    """Tell whether waiving a rule overrides a lock rather than accepts a warning."""
    return key in RULES and RULES[key].overridable


def permission_for(key: str) -> str:
    """Return the permission that waiving a rule takes."""
    return OVERRIDE if is_lock(key) else ACCEPT


def finding_of(topology: Topology, *, key: str, subject: str, role: str) -> Finding | None:
    """Return the finding that a waiver would be about, None when there is none now."""
    return next(
        (f for f in findings(topology) if (f.key, f.subject, f.role) == (key, subject, role)), None
    )


def grant_waiver(
    *,
    cluster: Cluster,
    key: str,
    subject: str,
    role: str,
    reason: str,
    expires_at: datetime,
    confirm: str,
    actor: User,
    request_id: str = "",
) -> Result:
    """Answer for a finding until a time; takes the place of an earlier waiver of the same.

    `confirm` is the typed name of the cluster, which a lock asks for. Raises PermissionDenied
    without the permission, ValidationError by field for anything else that is missing.
    """
    if not actor.has_perm(permission_for(key), cluster):
        raise PermissionDenied(f"Waiving {key} takes the permission {permission_for(key)}.")
    topology = load_topology(cluster)
    finding = finding_of(topology, key=key, subject=subject, role=role)
    faults = _faults(topology, finding, key, subject, role)
    if not reason.strip():
        faults["reason"] = "Say why this may be so."
    if not topology.now < expires_at <= topology.now + LONGEST:
        faults["expires_at"] = f"Choose a time within the next {LONGEST.days} days."
    if is_lock(key) and confirm != cluster.name:
        faults["confirm"] = f"Type the cluster's name, {cluster.name}, to override a lock."
    if faults:
        raise ValidationError(faults)
    view = WaiverView(
        key=key,
        subject=subject,
        role=role,
        reason=reason.strip(),
        by=actor.get_username(),
        expires_at=expires_at,
        weight=finding.weight if finding and not is_lock(key) else None,
    )
    return perform(
        GrantWaiver(view), cluster=cluster, actor=actor, reason=view.reason, request_id=request_id
    )


def revoke_waiver(*, waiver: Waiver, actor: User, reason: str = "", request_id: str = "") -> Result:
    """Let a finding count again; whoever may grant may also end."""
    if not actor.has_perm(permission_for(waiver.rule), waiver.cluster):
        raise PermissionDenied(f"This takes the permission {permission_for(waiver.rule)}.")
    return perform(
        RevokeWaiver(waiver_view(waiver)),
        cluster=waiver.cluster,
        actor=actor,
        reason=reason,
        request_id=request_id,
    )


def state_of(waiver: Waiver) -> str:
    """Say in a word whether a waiver holds: in force, expired or ended."""
    if waiver.revoked_at:
        return "ended"
    return "in force" if waiver.expires_at > timezone.now() else "expired"


def _faults(
    topology: Topology, finding: Finding | None, key: str, subject: str, role: str
) -> dict[str, str]:
    """Say what stands in the way of waiving this finding at all."""
    if key not in RULES:
        return {"key": f"There is no rule {key}."}
    if role and all(known.key != role for known in topology.platform.roles):
        return {"role": f"{topology.platform.name} has no role {role}."}
    if is_lock(key):
        return {} if _is_there(topology, subject) else {"subject": f"There is no {subject}."}
    if finding is None:
        return {"subject": f"{key} finds nothing about {subject} now: there is nothing to accept."}
    if finding.severity is not Severity.WARNING:
        return {"key": f"{RULES[key].title}: nobody can answer for that; it has to be mended."}
    return {}


def _is_there(topology: Topology, subject: str) -> bool:
    """Tell whether a topology has a subject such as role:sip or node:pbx-01."""
    kind, _, name = subject.partition(":")
    things = {
        "role": {role.key for role in topology.platform.roles},
        "node": topology.nodes.keys(),
        "container": topology.containers.keys(),
    }
    return subject == "cluster" or name in things.get(kind, ())
