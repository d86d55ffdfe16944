"""Makes runbooks of a few lines and plans them for three database nodes."""

from pathlib import Path
from textwrap import indent

from inventory.topology import Topology
from provisioning.planning import plan
from provisioning.runbook.load import load_runbooks
from provisioning.steps import CompiledStep, Plan
from tests.provisioning.topologies import make_topology

HEAD = """\
schema: 1
platform: ring2all
role: database
title: Try
parameters: {folders: [a, b], wanted: false}
components:
"""


def component(steps: str, *, key: str = "app", **fields: str) -> str:
    """Return a component of a runbook."""
    lines = [f"key: {key}", f"title: {key}", *(f"{k}: {v}" for k, v in fields.items()), "steps:"]
    return "  - " + indent("\n".join(lines), "    ")[4:] + "\n" + indent(steps, "      ")


def planned(folder: Path, *components: str, topology: Topology | None = None) -> Plan:
    """Return the plan of a runbook made of these components."""
    (folder / "ring2all").mkdir()
    (folder / "ring2all" / "database.yaml").write_text(HEAD + "\n".join(components))
    runbooks = load_runbooks("ring2all", directories=[folder])
    return plan(topology or make_topology(), runbooks)


def on_first(made: Plan) -> list[CompiledStep]:
    """Return the steps of the first node."""
    return [step for step in made.steps if step.node == "pg-node-01"]


def one_step(fields: str) -> str:
    """Return a step that makes a folder and has more fields."""
    return f"- {{key: one, title: One, directory: {{path: /srv/one}}, {fields}}}\n"
