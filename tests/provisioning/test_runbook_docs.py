"""docs/runbooks.md: every example loads and plans, and every field is told of."""

import re
from pathlib import Path
from textwrap import indent

import pytest
import yaml
from pydantic import BaseModel

from provisioning.compile.handler import HandlerCommandSpec, RestartSpec
from provisioning.planning import plan
from provisioning.runbook.load import BUILTIN, load_runbooks
from provisioning.runbook.schema import KINDS, ComponentSpec, HandlerSpec, StepSpec
from provisioning.steps import Plan
from tests.provisioning.topologies import make_topology

TEXT = (Path(__file__).parents[2] / "docs" / "runbooks.md").read_text()
# An example that begins with its path is a file beside the runbook.
EXAMPLES = re.findall(r"^```yaml\n(?!# \S+\.yaml\n)(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
PARTS = re.findall(r"^```yaml\n# (\S+\.yaml)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
FILES = re.findall(r"^```jinja\n\{## (\S+) ##\}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
HEAD = "schema: 1\nplatform: ring2all\nrole: portal\ntitle: Try\ncomponents:\n"
STEPS = "  - key: try\n    title: Try\n    steps:\n"
# The kinds that steps are made of are fields of a step, too.
COMMON = set(StepSpec.model_fields) - KINDS - {"register_as"} | {"register"}


def runbook(example: str) -> str:
    """Return an example as a whole runbook."""
    data = yaml.safe_load(example)
    if isinstance(data, dict):
        return example
    if {"steps", "include"} & data[0].keys():
        return HEAD + indent(example, "  ")
    return HEAD + STEPS + indent(example, "      ")


def planned(folder: Path, example: str) -> Plan:
    """Return the plan of an example for two portals."""
    base = folder / "ring2all"
    for name, text in [("portal.yaml", runbook(example)), *FILES, *PARTS]:
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(text)
    topology = make_topology({"portal-node-01": ("portal",), "portal-node-02": ("portal",)})
    return plan(topology, load_runbooks("ring2all", directories=[folder]), roles=["portal"])


def section(title: str) -> str:
    """Return the text below a heading."""
    return re.split(r"^#+ ", TEXT.split(f"\n### {title}\n")[1], flags=re.MULTILINE)[0]


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda text: text.split("title: ")[1].split("\n")[0]
)
def test_every_example_loads_and_plans(tmp_path: Path, example: str) -> None:
    assert {step.role for step in planned(tmp_path, example).steps} <= {"portal"}


def test_the_examples_use_every_kind(tmp_path: Path) -> None:
    kinds = {
        step.kind
        for number, example in enumerate(EXAMPLES)
        for step in planned(tmp_path / str(number), example).steps
    }

    assert kinds == KINDS


def test_every_component_that_may_be_included_is_told_of() -> None:
    folder = BUILTIN / "ring2all"
    ours = {path.relative_to(folder).as_posix() for path in folder.glob("*/*.yaml")}

    assert {name for name in ours if f"| `{name}` |" not in TEXT} == set()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_field_of_a_kind_is_in_its_section(kind: str) -> None:
    model: type[BaseModel] = StepSpec.model_fields[kind].annotation.__args__[0]  # type: ignore[union-attr]

    assert [field for field in model.model_fields if f"`{field}" not in section(kind)] == []


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        (COMMON, "## Steps\n"),
        (set(ComponentSpec.model_fields) | {"include"}, "## A runbook\n"),
        (set(HandlerSpec.model_fields), "### Handlers\n"),
        (set(RestartSpec.model_fields) | set(HandlerCommandSpec.model_fields), "### Handlers\n"),
    ],
)
def test_every_other_field_is_told_of(fields: set[str], title: str) -> None:
    told = TEXT.split(f"\n{title}")[1].split("\n## ")[0]

    assert {field for field in fields if f"`{field}" not in told} == set()
