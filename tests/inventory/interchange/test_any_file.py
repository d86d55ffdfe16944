"""Whatever is sent: it is read, or refused with faults; and the documentation's example works."""

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.interchange.faults import Faulty
from inventory.interchange.importing import RefusedImport
from inventory.interchange.reading import read
from inventory.interchange.records import ClusterRecord, Record
from inventory.interchange.yaml_files import SECTIONS
from inventory.models import Cluster
from tests.factories import make_cluster, make_platforms
from tests.inventory.interchange.files import take

DOCS = Path(__file__).parents[3] / "docs/import-export.md"

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["database@A", "10.203.0.1", "10.0.0.0/8", "alpha-private", "9" * 14]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


def entries(kind: type[Record]) -> st.SearchStrategy[object]:
    """Make entries of a section with any value in any field, known or not."""
    names = st.sampled_from([*kind.model_fields, "colour"])
    return st.dictionaries(names, values, max_size=6) | values


files = st.fixed_dictionaries(
    {"schema": st.just(1)},
    optional={
        "cluster": entries(ClusterRecord),
        **{name: st.lists(entries(kind), max_size=3) | values for name, kind in SECTIONS.items()},
    },
)


def survives(data: bytes, *, what: str, form: str) -> None:
    """Read a file; what cannot be read is refused with faults."""
    with suppress(Faulty):
        read(data, what=what, form=form)


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["csv", "yaml"]))
def test_any_bytes_are_read_or_refused(data: bytes, form: str) -> None:
    survives(data, what="nodes", form=form)


@settings(deadline=None)
@given(st.text(st.sampled_from('name,container;roles\t"\n\r\\;=:@ab1'), max_size=120))
def test_anything_like_a_table_is_read_or_refused(text: str) -> None:
    survives(text.encode(), what="containers", form="csv")
    survives(f"name,disks,addresses\n{text}".encode(), what="containers", form="csv")


@pytest.mark.django_db
@settings(deadline=None)
@given(content=files)
def test_any_values_in_a_cluster_file_are_compared_or_refused(content: object) -> None:
    text = json.dumps(content)
    survives(text.encode(), what="cluster", form="yaml")
    cluster = Cluster.objects.first() or make_cluster("alpha")

    for target in (cluster, None):
        with suppress(Faulty, RefusedImport):
            take(text, target, what="cluster", form="yaml", dry_run=True, remove=True)


@pytest.mark.django_db
def test_the_examples_of_the_documentation_are_imported() -> None:
    make_platforms()
    page = DOCS.read_text()
    (whole,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (table,) = re.findall(r"```csv\n(.*?)```", page, re.DOTALL)

    first = take(whole, None, what="cluster", form="yaml")
    second = take(table, first.cluster)

    assert first.count("added") == 1 + 1 + 1 + 1 + 1 + 1 + 1
    assert second.count("changed") == 1
    assert not first.refused
