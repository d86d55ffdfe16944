"""Puts the hosts of a test lab into the free pool, ready to be logged in to."""

import argparse
import json
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from inventory.changes import AddContainer, ChangeContainer, ChangeError
from inventory.models import Container, Credential, Network
from inventory.operations import Refused, perform
from inventory.services import save_network, save_row
from inventory.states import NetworkKind
from inventory.topology import AddressView, ContainerView, DiskView


class Command(BaseCommand):
    """Register the hosts that `python -m tests.lab inventory` describes; again is fine."""

    help = "Put the hosts of a test lab, described in a JSON file, into the free pool."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the file."""
        parser.add_argument("--json", type=Path, required=True, dest="file", metavar="FILE")

    @transaction.atomic
    def handle(self, *, file: Path, **options: Any) -> None:
        """Write networks, login and containers; all of them or none."""
        try:
            lab = json.loads(file.read_text())
            save_lab_network(lab, NetworkKind.PRIVATE)
            save_lab_network(lab, NetworkKind.PUBLIC)
            save_lab_login(lab)
            for host in lab["hosts"]:
                save_lab_host(lab, host)
        except (OSError, ValueError, Refused, ChangeError, ValidationError) as error:
            raise CommandError(f"{file}: {error}") from error
        self.stdout.write(f"{len(lab['hosts'])} hosts of lab {lab['lab']} registered.")


def label(lab: dict[str, Any], what: str = "") -> str:
    """Name what belongs to this lab."""
    return f"lab-{lab['lab']}-{what}" if what else f"lab-{lab['lab']}"


def save_lab_network(lab: dict[str, Any], kind: NetworkKind) -> None:
    """Write one of the two networks."""
    name = label(lab, kind)
    row = Network.objects.filter(name=name).first() or Network(name=name, kind=kind)
    row.cidr = ip_network(lab[f"{kind}_cidr"])
    save_network(row, actor=None)


def save_lab_login(lab: dict[str, Any]) -> None:
    """Write the login; a lab that is brought up anew has a new key."""
    row = Credential.objects.filter(name=label(lab)).first() or Credential(name=label(lab))
    row.username, row.secret = lab["user"], Path(lab["key_path"]).read_text()
    save_row(row, actor=None)


def save_lab_host(lab: dict[str, Any], host: dict[str, Any]) -> None:
    """Add a host to the free pool, or bring it up to date wherever it is by now."""
    view = lab_host_view(lab, host)
    held = Container.objects.filter(
        name=view.name, addresses__network__name=label(lab, NetworkKind.PRIVATE)
    ).first()
    if held:
        perform(ChangeContainer(view.name, view), cluster=held.cluster, actor=None)
    else:
        perform(AddContainer(view), cluster=None, actor=None)


def lab_host_view(lab: dict[str, Any], host: dict[str, Any]) -> ContainerView:
    """Picture a host; its key was read from its disk, so nobody needs to confirm it."""
    disk = host["disk"]
    return ContainerView(
        name=host["name"],
        os_id=host["os_id"],
        os_version=host["os_version"],
        arch=host["arch"],
        vcpus=host["vcpus"],
        memory_mib=host["memory_mib"],
        addresses=tuple(
            AddressView(network=label(lab, kind), ip=ip_address(host[kind])) for kind in NetworkKind
        ),
        disks=(DiskView(disk["device"], disk["size_gib"], disk["kind"]),),
        credential=label(lab),
        host_key=host["host_key"],
    )
