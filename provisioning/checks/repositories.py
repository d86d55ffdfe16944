"""Judges whether package repositories answer; pure."""

import re
from collections.abc import Iterator

from provisioning.checks.reading import Fetched
from provisioning.checks.registry import judges
from provisioning.checks.sight import Answer, Subject

# A repository that does not show its folder is there all the same.
ANSWERED = re.compile(r"\b(?:40[134]|30\d)\b")


@judges("package-repositories")
def package_repositories(subject: Subject) -> Iterator[Answer]:
    """Judge each repository of the package manager, and those that the roles need besides."""
    yield from subject.faults("repositories")
    lost = [fetched for fetched in subject.machine.fetched if not _is_there(fetched)]
    for fetched in lost:
        if fetched.outcome == "unknown":
            yield subject.unknown(
                f"{fetched.url} could not be tried: {fetched.said}",
                "Install one of them.",
                about=fetched.url,
            )
            continue
        yield subject.failed(
            f"{fetched.url} does not answer {subject.name}.",
            "Open the way there, set a proxy for the package manager, or point it and the "
            "cluster's parameters at a mirror.",
            about=fetched.url,
            measured=fetched.said,
        )
    there = [fetched.url for fetched in subject.machine.fetched if _is_there(fetched)]
    if there and not lost:
        yield subject.passed(
            f"{len(there)} repositor{'y answers' if len(there) == 1 else 'ies answer'} "
            f"{subject.name}.",
            measured=", ".join(there)[:300],
        )


def _is_there(fetched: Fetched) -> bool:
    """Tell whether somebody answered, if only that the folder is not shown."""
    return fetched.outcome == "ok" or bool(ANSWERED.search(fetched.said))
