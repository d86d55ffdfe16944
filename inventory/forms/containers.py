"""Forms of containers: the machine, its addresses and disks."""

from dataclasses import asdict, replace
from ipaddress import ip_address
from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db.models import QuerySet

from inventory.access import visible
from inventory.forms.nodes import hostname
from inventory.models import Cluster, Container, Network
from inventory.states import DiskKind, DiskPurpose, NetworkKind
from inventory.topology import AddressView, ContainerView, DiskView, Topology
from voipadmin.forms import PageForm, PageModelForm

NAMED = ("location", "hypervisor", "bastion")
KINDS = (NetworkKind.PRIVATE, NetworkKind.PUBLIC)


class ContainerForm(PageModelForm):
    """A machine with at most one private and one public address."""

    class Meta:
        model = Container
        fields = (
            "name",
            "state",
            "location",
            "hypervisor",
            "virtualisation_ha",
            "os_id",
            "os_version",
            "arch",
            "vcpus",
            "memory_mib",
            "behind_nat",
            "ssh_network",
            "ssh_port",
            "bastion",
            "skips_bastion",
        )
        labels = {"vcpus": "CPUs (vCPU)"}
        help_texts = {
            "state": "Containers can be started and stopped (R4).",
            "hypervisor": "The physical host whose loss takes this machine along.",
            "memory_mib": "16 GiB are 16384 MiB.",
        }

    def __init__(
        self,
        *args: Any,
        cluster: Cluster | None,
        topology: Topology | None,
        user: User,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.cluster = cluster
        if topology:
            self._suggest_system(topology)
        networks = cluster.networks.all() if cluster else visible(Network.objects.all(), user)
        addresses = self._addresses()
        for kind in KINDS:
            self._add_address_fields(kind, networks.filter(kind=kind), addresses.get(kind))

    def _suggest_system(self, topology: Topology) -> None:
        """Start a new machine with a system that the release runs on, and name them all."""
        systems = topology.release.operating_systems
        names = ", ".join(f"{system.id} {system.version}" for system in systems)
        self.fields[
            "os_id"
        ].help_text = f"ID of os-release. {topology.release.name}: {names} (R18)."
        if not self.instance.pk:
            self.initial["os_id"] = systems[0].id
            self.initial["os_version"] = systems[0].version

    def _addresses(self) -> dict[str, Any]:
        """Return the machine's first address of each kind."""
        if not self.instance.pk:
            return {}
        rows = self.instance.addresses.select_related("network").order_by("-network__name")
        return {row.network.kind: row for row in rows}

    def _add_address_fields(self, kind: NetworkKind, networks: Any, address: Any) -> None:
        """Add network, address and name of one kind; a single network is chosen already."""
        first = networks.first() if networks.count() == 1 else None
        self.fields[f"{kind}_network"] = forms.ModelChoiceField(
            networks,
            required=False,
            label=f"{kind.label} network",
            initial=address.network_id if address else first,
            empty_label="None",
        )
        self.fields[f"{kind}_ip"] = forms.GenericIPAddressField(
            required=False,
            label=f"{kind.label} address",
            initial=address.ip if address else None,
            help_text={
                NetworkKind.PRIVATE: "The private network is required for administrative tasks "
                "by all roles (R47).",
                NetworkKind.PUBLIC: "Only where customers use the node; exposing storage is "
                "strongly discouraged (R46).",
            }[kind],
        )
        self.fields[f"{kind}_name"] = forms.CharField(
            required=False,
            max_length=253,
            label=f"{kind.label} DNS name",
            validators=[hostname],
            initial=address.name if address else "",
            help_text={
                NetworkKind.PRIVATE: "Use names even in the private network (R49).",
                NetworkKind.PUBLIC: "Customers connect to a host name, not to an address (R51).",
            }[kind],
        )

    def clean(self) -> dict[str, Any]:
        """Join network and address of each kind."""
        super().clean()
        for kind in KINDS:
            self._clean_address(kind)
        return self.cleaned_data

    def _clean_address(self, kind: NetworkKind) -> None:
        """Refuse an address without network, a name without address, one outside its network."""
        data = self.cleaned_data
        network, ip = data.get(f"{kind}_network"), data.get(f"{kind}_ip")
        if ip and not network and f"{kind}_network" not in self.errors:
            self.add_error(f"{kind}_network", "Choose the network that this address is in.")
        if data.get(f"{kind}_name") and not ip and f"{kind}_ip" not in self.errors:
            self.add_error(f"{kind}_ip", "A name needs an address.")

    def _get_validation_exclusions(self) -> set[str]:
        """Check all columns but the cluster."""
        inherited: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return inherited | {"cluster"}

    def address_groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the address fields by kind, for the page."""
        return [
            (kind.label, [self[f"{kind}_{part}"] for part in ("network", "ip", "name")])
            for kind in KINDS
        ]

    def view(
        self, before: ContainerView | None, disks: tuple[DiskView, ...], credential: str | None
    ) -> ContainerView:
        """Return the machine as the form describes it; what the form does not show is kept."""
        data = self.cleaned_data
        fields = {name: data[name] for name in self.Meta.fields if name not in NAMED}
        fields |= {
            **{name: data[name].name if data[name] else None for name in NAMED},
            "addresses": (*self._typed_addresses(), *self._kept_addresses(before)),
            "disks": disks,
            "credential": credential,
        }
        return replace(before, **fields) if before else ContainerView(**fields)

    def _typed_addresses(self) -> tuple[AddressView, ...]:
        """Return the addresses that were typed."""
        data = self.cleaned_data
        return tuple(
            AddressView(
                data[f"{kind}_network"].name,
                ip_address(data[f"{kind}_ip"]),
                data[f"{kind}_name"],
            )
            for kind in KINDS
            if data[f"{kind}_ip"]
        )

    def _kept_addresses(self, before: ContainerView | None) -> tuple[AddressView, ...]:
        """Return further addresses of a machine, which the form did not show."""
        shown = {row.network.name for row in self._addresses().values()}
        shown |= {address.network for address in self._typed_addresses()}
        return tuple(a for a in (before.addresses if before else ()) if a.network not in shown)


class DiskForm(PageForm):
    """One disk; an empty row is no disk."""

    device = forms.CharField(
        max_length=64,
        validators=[RegexValidator(r"^/dev/[A-Za-z0-9/_.-]+$", "A device, such as /dev/sdb.")],
        widget=forms.TextInput(attrs={"placeholder": "/dev/sda"}),
    )
    size_gib = forms.IntegerField(label="Size (GiB)", min_value=1)
    kind = forms.ChoiceField(choices=DiskKind.choices)
    purpose = forms.ChoiceField(choices=DiskPurpose.choices)

    def has_changed(self) -> bool:
        """Take a row for a disk when its device or size is filled in."""
        return bool({"device", "size_gib"} & set(self.changed_data)) or bool(self.initial)


class BaseDiskFormSet(forms.BaseFormSet):
    """The disks of a container."""

    def clean(self) -> None:
        """Refuse a device twice."""
        devices = [disk.device for disk in self.views()] if not any(self.errors) else []
        if len(set(devices)) < len(devices):
            raise ValidationError("Two disks have the same device.")

    def views(self) -> tuple[DiskView, ...]:
        """Return the disks that were typed and not ticked for removal."""
        return tuple(
            DiskView(**{key: value for key, value in form.cleaned_data.items() if key != "DELETE"})
            for form in self.forms
            if form.cleaned_data.get("device") and not form.cleaned_data.get("DELETE")
        )


DiskFormSet = forms.formset_factory(DiskForm, formset=BaseDiskFormSet, extra=2, can_delete=True)


def disk_formset(data: Any, view: ContainerView | None) -> BaseDiskFormSet:
    """Make the rows of a container's disks."""
    initial = [asdict(disk) for disk in (view.disks if view else ())]
    return cast("BaseDiskFormSet", DiskFormSet(data, initial=initial, prefix="disks"))


class AdoptForm(PageForm):
    """Choose the cluster that takes a free container in."""

    cluster = forms.ModelChoiceField(
        Cluster.objects.none(),
        help_text="The container's addresses must lie in networks that the cluster uses.",
    )

    def __init__(self, *args: Any, clusters: QuerySet[Cluster], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField", self.fields["cluster"]).queryset = clusters
