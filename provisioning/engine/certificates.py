"""Certificates as values of a run: issued or renewed before its first step asks for them."""

from collections.abc import Iterable

from inventory.certificates import due_certificates, make_authority, renew_certificates
from inventory.models import Certificate, Cluster
from inventory.snapshot import load_topology
from provisioning.runbook.tls import AUTHORITY, PREFIX, is_tls, machines_of

# No template can refer to these: keys of secrets have no blanks.
AUTHORITY_KEY = "key of the certificate authority"
PUBLIC_KEY = "key of the uploaded certificate"


def tls_values(cluster: Cluster, keys: Iterable[str], *, is_dry: bool) -> dict[str, str]:
    """Return certificates and keys of a cluster by what refers to them.

    What these keys need is issued where it is missing, soon to expire or of other names. A dry run
    issues nothing, and has no value for what a real one would issue.
    """
    wanted = {key for key in keys if is_tls(key)}
    if wanted and not is_dry:
        renew_certificates(cluster, machines_of(wanted))
        make_authority(cluster)
    values = _stored(cluster)
    if wanted and is_dry:
        due = due_certificates(load_topology(cluster), cluster, machines_of(wanted))
        stale = {f"{PREFIX}{part}.{name}" for part in ("certificate", "key") for name in due}
        values = {key: value for key, value in values.items() if key not in stale}
    if public := Certificate.objects.public_of(cluster):
        values[PUBLIC_KEY] = public.key
    for name in machines_of(wanted):
        for part in ("certificate", "key"):
            own = values.get(f"{PREFIX}{part}.{name}")
            value = getattr(public, part) if public else own
            if value is not None:
                values[f"{PREFIX}public-{part}.{name}"] = value
    return values


def _stored(cluster: Cluster) -> dict[str, str]:
    """Return what there is, all keys included: they are masked wherever they turn up."""
    values = {}
    if authority := Certificate.objects.authority_of(cluster):
        values = {AUTHORITY: authority.certificate, AUTHORITY_KEY: authority.key}
    for row in Certificate.objects.hosts_of(cluster):
        values[f"{PREFIX}certificate.{row.name}"] = row.certificate
        values[f"{PREFIX}key.{row.name}"] = row.key
    return values
