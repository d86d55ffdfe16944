"""Files and short words for tests of import and export."""

from inventory.interchange.export import export_file
from inventory.interchange.importing import Outcome, Upload, run_import
from inventory.models import Cluster
from inventory.platforms.marked_yaml import load_marked

CONTAINERS = "name,os_id,os_version,vcpus,memory_mib,disks,addresses"


def container_row(name: str, host: int, cluster: str = "alpha") -> str:
    """Write a container as a row below CONTAINERS."""
    return (
        f"{name},debian,13,4,16384,/dev/sda:500:ssd:system,{cluster}-private=10.203.0.{host} {name}"
    )


def table(*rows: str) -> str:
    """Join a header and rows."""
    return "\n".join(rows) + "\n"


def take(
    text: str | bytes,
    cluster: Cluster | None,
    *,
    what: str = "containers",
    form: str = "csv",
    dry_run: bool = False,
    remove: bool = False,
    is_pool: bool = False,
    expected: str = "",
) -> Outcome:
    """Import a file as the command line does."""
    data = text if isinstance(text, bytes) else text.encode()
    return run_import(
        Upload(data, what, form, remove),
        cluster=cluster,
        actor=None,
        is_pool=is_pool,
        dry_run=dry_run,
        expected=expected,
    )


def exports(cluster: Cluster | None) -> dict[str, str]:
    """Return every export of a cluster."""
    return {
        f"{what}.{form}": export_file(cluster, what=what, form=form)
        for what, form in (
            ("containers", "csv"),
            ("containers", "yaml"),
            ("nodes", "csv"),
            ("nodes", "yaml"),
            ("cluster", "yaml"),
        )
    }


def plain(text: str) -> object:
    """Read YAML as an import does."""
    return load_marked(text).data
