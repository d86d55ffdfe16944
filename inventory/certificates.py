"""Issuing, renewing and uploading a cluster's certificates."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from inventory import pki
from inventory.access import permit
from inventory.history import lock_clusters, record_change, record_event
from inventory.models import Certificate, Cluster
from inventory.snapshot import load_topology
from inventory.states import CertificateKind
from inventory.topology import Topology
from inventory.uploads import UploadError, checked_upload

PERMISSION = "inventory.change_certificate"


def host_names(topology: Topology, container: str) -> tuple[str, ...]:
    """Return what a machine's certificate is for; its own name first.

    Its name, the names of its nodes and addresses, its addresses; in front of the applications
    also what users call the cluster by, and the addresses that balancers share.
    """
    machine = topology.containers[container]
    nodes = topology.nodes_on(container)
    names = [container, *(node.name for node in nodes)]
    names += [a.name for a in machine.addresses if a.name]
    names += [str(a.ip) for a in machine.addresses]
    balanced = {role.key for role in topology.platform.roles if role.balances}
    if any(node.has_role(role) for node in nodes for role in balanced):
        names += [str(topology.parameter(key) or "") for key in ("public_hostname", "virtual_ip")]
        names += [n for b in topology.balancers.values() for n in (b.dns_name, str(b.ip))]
    # A name with other letters has to be written as it stands in the DNS (xn--...).
    return tuple(dict.fromkeys(name for name in names if name and name.isascii()))


def due_certificates(topology: Topology, cluster: Cluster, wanted: Iterable[str]) -> list[str]:
    """Return which of these machines (small letters) need a new certificate."""
    now = timezone.now()
    authority = Certificate.objects.authority_of(cluster)
    held = {row.name: row for row in Certificate.objects.hosts_of(cluster)}
    return [
        name
        for name in _machines(topology)
        if name in wanted
        and (
            authority is None
            or name not in held
            or pki.is_due(
                held[name].certificate,
                authority.certificate,
                host_names(topology, _machines(topology)[name]),
                now,
            )
        )
    ]


@transaction.atomic
def renew_certificates(cluster: Cluster, wanted: Iterable[str]) -> list[str]:
    """Issue what is missing, soon to expire or of other names; returns for which machines.

    Two who ask at once get the same: the cluster is locked meanwhile.
    """
    lock_clusters([cluster.pk])
    topology = load_topology(cluster)
    due = due_certificates(topology, cluster, set(wanted))
    if not due:
        return []
    authority = make_authority(cluster)
    machines = _machines(topology)
    for name in due:
        names = host_names(topology, machines[name])
        pair = pki.issue(pki.Pair(authority.certificate, authority.key), names, timezone.now())
        _keep(cluster, CertificateKind.HOST, pair, name)
    record_event(
        kind="certificates-issued",
        message=f"Certificates were issued for {', '.join(due)}.",
        cluster=cluster,
    )
    return due


def make_authority(cluster: Cluster) -> Certificate:
    """Return the cluster's own authority, made when first needed."""
    if row := Certificate.objects.authority_of(cluster):
        return row
    pair = pki.make_authority(f"voipadmin {cluster.slug}", timezone.now())
    return _keep(cluster, CertificateKind.AUTHORITY, pair)


@transaction.atomic
def upload_certificate(
    *, cluster: Cluster, certificate: str, key: str, actor: User | None, request_id: str = ""
) -> Certificate:
    """Keep a certificate for the public side; raises ValidationError with every fault by field."""
    permit(actor, PERMISSION, cluster)
    lock_clusters([cluster.pk])
    hostname = str(load_topology(cluster).parameter("public_hostname") or "")
    before = _picture(Certificate.objects.public_of(cluster))
    try:
        pair = checked_upload(certificate, key, hostname=hostname, now=timezone.now())
    except UploadError as error:
        faults: dict[str, list[str]] = {}
        for field, words in error.faults:
            faults.setdefault(field, []).append(words)
        raise ValidationError(faults) from error
    row = _keep(cluster, CertificateKind.PUBLIC, pair)
    _record("UploadCertificate", cluster, actor, request_id, before, _picture(row))
    return row


@transaction.atomic
def remove_certificate(*, cluster: Cluster, actor: User | None, request_id: str = "") -> bool:
    """Serve the own authority's certificate again; tells whether there was an uploaded one."""
    permit(actor, PERMISSION, cluster)
    row = Certificate.objects.public_of(cluster)
    if row is None:
        return False
    before = _picture(row)
    row.delete()
    _record("RemoveCertificate", cluster, actor, request_id, before, None)
    return True


def _machines(topology: Topology) -> Mapping[str, str]:
    """Return the machines' names by their small letters."""
    return {name.lower(): name for name in sorted(topology.containers)}


def _keep(cluster: Cluster, kind: CertificateKind, pair: pki.Pair, name: str = "") -> Certificate:
    """Write a certificate in the place of an earlier one."""
    row, _ = Certificate.objects.update_or_create(
        cluster=cluster,
        kind=kind,
        name=name,
        defaults={
            "certificate": pair.certificate,
            "key": pair.key,
            "expires_at": pki.expires_at(pair.certificate),
            "created_at": timezone.now(),
        },
    )
    return row


def _picture(row: Certificate | None) -> dict[str, Any] | None:
    """Return what a change shows of a certificate."""
    if row is None:
        return None
    return {
        "names": row.names,
        "expires_at": row.expires_at.isoformat(),
        "fingerprint": row.fingerprint,
    }


def _record(
    operation: str,
    cluster: Cluster,
    actor: User | None,
    request_id: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    """Append who changed the public certificate."""
    verb = "Serve an uploaded" if after else "Serve no uploaded"
    record_change(
        actor=actor,
        cluster=cluster,
        operation=operation,
        subject="certificate:public",
        summary=f"{verb} certificate to the public side from the next run on",
        before=before,
        after=after,
        request_id=request_id,
    )
