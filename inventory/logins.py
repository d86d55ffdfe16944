"""Logins and bastions: what they hold to when written; logged without secrets."""

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from inventory.models import Bastion, Cluster, Credential
from inventory.models.bastions import CHAIN_AT_MOST
from inventory.services import save_row
from inventory.ssh import AuthenticationFailed, check_private_key
from inventory.states import CredentialKind


def key_fault(secret: str, passphrase: str | None) -> tuple[str, str] | None:
    """Say what is wrong with a private key and where; None when its passphrase opens it."""
    try:
        check_private_key(secret, passphrase or "")
    except AuthenticationFailed as error:
        is_locked = "passphrase" in str(error)
        return "passphrase" if is_locked else "secret", str(error)
    return None


def login_fault(credential: Credential, *, cluster: Cluster | None, user: User) -> str | None:
    """Say why a login is not for containers of this cluster; None when it may be chosen."""
    if credential.user_id not in (None, user.pk):
        return f"The login {credential.name} belongs to another user."
    if credential.user_id is not None:
        return (
            f"The login {credential.name} is your own: your runs use it by themselves, "
            "and nobody else may."
        )
    if credential.cluster_id not in (None, cluster.pk if cluster else None):
        return f"The login {credential.name} is for another cluster."
    if credential.cluster_id is None and not may_use_shared_logins(user):
        return f"The login {credential.name} is for all clusters: ask who administers all of them."
    return None


def may_use_shared_logins(user: User) -> bool:
    """Tell whether a user may let machines be logged in to with what opens all clusters.

    Whoever describes a machine says where the portal connects: a shared password would go there.
    """
    return user.has_perm("inventory.change_container")


def owner_fault(credential: Credential) -> str | None:
    """Say why a user cannot keep this login as an own one; None when nothing is in the way."""
    if credential.user_id is None:
        return None
    others = Credential.objects.filter(user=credential.user_id, cluster=credential.cluster_id)
    if held := others.exclude(pk=credential.pk).first():
        place = credential.cluster.name if credential.cluster else "any cluster"
        return f"There is an own login for {place} already: {held.name}."
    if credential.pk and is_used(credential):
        return "It is used for containers, clusters or bastions: it stays shared."
    return None


def is_used(credential: Credential) -> bool:
    """Tell whether a container, a cluster or a bastion is logged in to with it."""
    used = Q(containers__isnull=False) | Q(default_of__isnull=False) | Q(bastions__isnull=False)
    return Credential.objects.filter(used, pk=credential.pk).exists()


@transaction.atomic
def save_credential(
    credential: Credential, *, actor: User | None, cluster: Cluster | None = None
) -> Credential:
    """Write a login with its key's fingerprint; raises ValidationError by field."""
    if fault := owner_fault(credential):
        raise ValidationError({"user": fault})
    credential.passphrase = credential.passphrase or None
    credential.sudo_password = credential.sudo_password or None
    credential.fingerprint = _fingerprint(credential)
    is_own = actor is not None and credential.user_id == actor.pk
    where = cluster or credential.cluster
    save_row(credential, actor=actor, cluster=where, is_own=is_own)
    return credential


def _fingerprint(credential: Credential) -> str:
    """Read the key's fingerprint; raises ValidationError when it is none."""
    if credential.kind != CredentialKind.KEY:
        return ""
    if fault := key_fault(credential.secret, credential.passphrase):
        raise ValidationError(dict([fault]))
    return check_private_key(credential.secret, credential.passphrase or "")


@transaction.atomic
def save_bastion(bastion: Bastion, *, actor: User | None) -> Bastion:
    """Write a bastion; raises ValidationError for a circle and for too many in a row."""
    # Two who change two bastions at once could close a circle that neither sees.
    rows = {row.pk: row for row in Bastion.objects.select_for_update().order_by("pk")}
    rows[bastion.pk or 0] = bastion
    if bastion.credential.user_id is not None:
        raise ValidationError({"credential": "A user's own login is not for bastions."})
    before = 1
    link = bastion.via_id
    while link is not None and before <= CHAIN_AT_MOST:
        if link == bastion.pk:
            raise ValidationError({"via": "This would lead in a circle."})
        before, link = before + 1, rows[link].via_id
    if before + _behind(bastion.pk, list(rows.values())) > CHAIN_AT_MOST:
        raise ValidationError({"via": f"At most {CHAIN_AT_MOST} bastions stand in a row."})
    save_row(bastion, actor=actor)
    return bastion


def _behind(pk: int | None, rows: list[Bastion]) -> int:
    """Count how many bastions stand in a row behind one."""
    further = [row.pk for row in rows if pk is not None and row.via_id == pk]
    return max((1 + _behind(row, rows) for row in further), default=0)
