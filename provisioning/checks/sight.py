"""What a preflight has seen of a cluster, and what a check answers; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from inventory.host_checks import BY_KEY
from inventory.platforms.facts import Source
from inventory.platforms.schema import Role
from inventory.states import AssignmentState
from inventory.topology import ContainerView, Topology
from provisioning.checks.reading import Machine
from provisioning.checks.wires import Heard, Wire
from provisioning.states import CheckOutcome

# What the page offers to do: adopt what was measured, or run one component of the runbooks.
ADOPT = "adopt"
COMPONENT = "component:"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check says of a machine; `about` tells several answers of one check apart.

    `measured` is what was found, `remedy` what a person can do, `fix` what the portal can.
    """

    check: str
    subject: str
    outcome: CheckOutcome
    sentence: str
    about: str = ""
    measured: str = ""
    remedy: str = ""
    fix: str = ""
    source: Source | None = None

    @property
    def sentence_of_vendor(self) -> Source:
        """Return the sentence it rests on: its own, else its check's."""
        return self.source or BY_KEY[self.check].source


@dataclass(frozen=True)
class Sight:
    """A cluster as the inventory has it and as its machines are.

    `machines` holds those that were looked at and `errors` says why others were not; `heard` says
    how each wire was; `components` names the components of the runbooks that each machine gets.
    """

    topology: Topology
    machines: Mapping[str, Machine] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    heard: Mapping[Wire, Heard] = field(default_factory=dict)
    components: Mapping[str, frozenset[str]] = field(default_factory=dict)
    repositories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def roles(self, container: str) -> tuple[Role, ...]:
        """Return the roles on a machine, each once, by key."""
        keys = {a.role for node in self.topology.nodes_on(container) for a in node.assignments}
        return tuple(self.topology.role(key) for key in sorted(keys))

    def is_installed(self, container: str) -> bool:
        """Tell whether the portal has begun to install any role there."""
        return any(
            assignment.state != AssignmentState.PLANNED
            for node in self.topology.nodes_on(container)
            for assignment in node.assignments
        )

    def fix(self, container: str, component: str) -> str:
        """Return the fix by a component, if the machine's runbooks have it."""
        has_it = component in self.components.get(container, ())
        return f"{COMPONENT}{component}" if has_it else ""


@dataclass(frozen=True)
class Subject:
    """One machine before one check, with words to answer in."""

    check: str
    sight: Sight
    container: ContainerView

    @property
    def name(self) -> str:
        """Return the machine's name."""
        return self.container.name

    @property
    def machine(self) -> Machine:
        """Return what was seen of it."""
        return self.sight.machines[self.name]

    def passed(self, sentence: str, **more: object) -> Answer:
        """Answer that it is as it should be."""
        return self._answer(CheckOutcome.PASSED, sentence, more)

    def failed(self, sentence: str, remedy: str, **more: object) -> Answer:
        """Answer that it is not, and what to do."""
        return self._answer(CheckOutcome.FAILED, sentence, {"remedy": remedy, **more})

    def warning(self, sentence: str, remedy: str, **more: object) -> Answer:
        """Answer that it should be better."""
        return self._answer(CheckOutcome.WARNING, sentence, {"remedy": remedy, **more})

    def not_applicable(self, sentence: str, **more: object) -> Answer:
        """Answer that the question does not arise, and why."""
        return self._answer(CheckOutcome.NOT_APPLICABLE, sentence, more)

    def unknown(self, sentence: str, remedy: str, **more: object) -> Answer:
        """Answer that it could not be found out, and why."""
        return self._answer(CheckOutcome.UNKNOWN, sentence, {"remedy": remedy, **more})

    def faults(self, *sections: str) -> Iterator[Answer]:
        """Yield what the visit itself could not do, where it matters for this check."""
        for section in sections:
            if said := self.machine.faults.get(section):
                yield self.unknown(
                    f"{self.name} could not be asked: {said}", "Mend this and ask again."
                )

    def _answer(self, outcome: CheckOutcome, sentence: str, more: dict[str, object]) -> Answer:
        return Answer(self.check, self.name, outcome, sentence, **more)  # type: ignore[arg-type]
