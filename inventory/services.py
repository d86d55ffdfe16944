"""Intentions that are no change of one cluster: its birth, networks, places."""

from typing import Any

from django.contrib.auth.models import User
from django.db import models, transaction
from django.forms.models import model_to_dict

from inventory.access import permit
from inventory.history import lock_clusters, record_change, record_fact
from inventory.models import (
    Bastion,
    Cluster,
    Container,
    Credential,
    Fact,
    Network,
    Node,
    Platform,
    Release,
)
from inventory.operations import Refused
from inventory.rules import check
from inventory.snapshot import load_pool, load_topology
from inventory.states import ClusterKind, ClusterState, InfrastructureKind, Origin


@transaction.atomic
def create_cluster(
    *,
    actor: User | None,
    slug: str,
    name: str,
    platform: Platform,
    release: Release,
    kind: str = ClusterKind.DISTRIBUTED,
    state: str = ClusterState.PLANNING,
    infrastructure: str = InfrastructureKind.OWN,
    time_zone: str = "UTC",
    country: str = "",
    availability_guarantee: str = "",
    credential: Credential | None = None,
    bastion: Bastion | None = None,
    parameters: dict[str, Any] | None = None,
    is_example: bool = False,
) -> Cluster:
    """Start a cluster on the platform's newest revision; raises ValidationError by field."""
    cluster = Cluster(
        slug=slug,
        name=name,
        platform=platform,
        release=release,
        revision=platform.revisions.latest(),
        kind=kind,
        state=state,
        infrastructure=infrastructure,
        time_zone=time_zone,
        country=country,
        availability_guarantee=availability_guarantee,
        credential=credential,
        bastion=bastion,
        parameters=parameters or {},
        is_example=is_example,
    )
    save_row(cluster, actor=actor, cluster=cluster)
    return cluster


@transaction.atomic
def save_row(
    row: Any, *, actor: User | None, cluster: Cluster | None = None, is_own: bool = False
) -> Any:
    """Write what no rule reads (a place, a login, a window), and log it without its secrets.

    What is the actor's own takes no permission.
    """
    model = type(row)
    stored = model.objects.filter(pk=row.pk).first() if row.pk else None
    if not is_own:
        _permit_write(actor, stored, row)
    row.full_clean()
    row.save()
    record_change(
        actor=actor,
        cluster=cluster,
        operation=f"{'Change' if stored else 'Add'}{model.__name__}",
        subject=f"{model._meta.model_name}:{row}",
        summary=f"{'Change' if stored else 'Add'} {model._meta.verbose_name} {row}",
        before=row_picture(stored) if stored else None,
        after=row_picture(row),
    )
    return row


@transaction.atomic
def delete_row(
    row: Any, *, actor: User | None, cluster: Cluster | None = None, is_own: bool = False
) -> None:
    """Delete what no rule reads, and log it; raises ProtectedError while something needs it."""
    before, model = row_picture(row), type(row)
    if not is_own:
        permit(actor, f"{model._meta.app_label}.delete_{model._meta.model_name}", row)
    subject, label = f"{model._meta.model_name}:{row}", f"{model._meta.verbose_name} {row}"
    row.delete()
    record_change(
        actor=actor,
        cluster=cluster if cluster is None or cluster.pk else None,
        operation=f"Remove{model.__name__}",
        subject=subject,
        summary=f"Remove {label}",
        before=before,
        after=None,
    )


@transaction.atomic
def save_network(network: Network, *, actor: User | None) -> Network:
    """Write a network; every cluster that uses it is locked and checked with its new range.

    The free pool is checked too: machines there have addresses, and every network belongs to it.
    Raises Refused when an address would fall outside, ValidationError by field.
    """
    users = network.clusters.values_list("pk", flat=True) if network.pk else []
    clusters = lock_clusters(list(users)).values()
    before = [*map(load_topology, clusters), load_pool()]
    save_row(network, actor=actor)
    network.refresh_from_db()
    after = [*map(load_topology, clusters), load_pool()]
    for was, now in zip(before, after, strict=True):
        if refusing := [finding for finding in check(was, now) if finding.refuses_save]:
            raise Refused(refusing)
    return network


@transaction.atomic
def type_fact(
    *,
    actor: User | None,
    cluster: Cluster,
    key: str,
    value: Any,
    container: Container | None = None,
    node: Node | None = None,
) -> Fact:
    """Write a value that somebody typed in; it takes the place of the typed one before."""
    permit(actor, "inventory.add_fact", cluster)
    lock_clusters([cluster.pk])
    about: dict[str, Any] = {"cluster": cluster, "container": container, "node": node, "key": key}
    before = Fact.objects.filter(**about, origin=Origin.TYPED).first()
    fact = record_fact(**about, value=value, origin=Origin.TYPED)
    subject = node or container or cluster
    record_change(
        actor=actor,
        cluster=cluster,
        operation="TypeFact",
        subject=f"{subject._meta.model_name}:{subject}",
        summary=f"Set {key} of {subject}",
        before={key: before.value} if before else None,
        after={key: value},
    )
    return fact


def _permit_write(actor: User | None, stored: Any, row: Any) -> None:
    """Refuse who may not write a row: as it was, and as it is to be, perhaps elsewhere."""
    meta = type(row)._meta
    permit(actor, f"{meta.app_label}.{'change' if stored else 'add'}_{meta.model_name}", row)
    if stored:
        permit(actor, f"{meta.app_label}.change_{meta.model_name}", stored)


# Columns that nobody reads.
SECRETS = ("secret", "value", "passphrase", "sudo_password")


def row_picture(row: models.Model) -> dict[str, Any]:
    """Return a row's columns as text, secrets left out."""
    return {
        key: value if isinstance(value, (int, bool, type(None))) else str(value)
        for key, value in model_to_dict(row).items()
        if key not in SECRETS
    }
