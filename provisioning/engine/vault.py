"""Secrets of a cluster: generated on first need, revealed only in what is sent."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from inventory.models import Cluster, Container, Secret
from provisioning.engine.masking import Masker
from provisioning.models import Step
from provisioning.steps import reveal

PHASES = ("probe", "apply", "verify")


def secret_values(cluster: Cluster, keys: Iterable[str]) -> dict[str, str]:
    """Return all secrets of a cluster; those of these keys are generated where missing."""
    known = set(cluster.secrets.values_list("key", flat=True))
    missing = [
        Secret(cluster=cluster, key=key, value=secrets.token_urlsafe())
        for key in sorted(set(keys) - known)
    ]
    # Another process may be as fast: the first value counts.
    Secret.objects.bulk_create(missing, ignore_conflicts=True)
    return {secret.key: secret.value for secret in cluster.secrets.all()}


def masker_for(values: Mapping[str, str], containers: Iterable[Container]) -> Masker:
    """Return what masks the cluster's secrets and the logins of its containers."""
    logins = {c.credential.secret for c in containers if c.credential}
    return Masker({*values.values(), *logins})


def files_for(step: Step, spec: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str]:
    """Return the files of an attempt, secrets revealed; a manual step first only looks."""
    files = {phase: spec[phase] for phase in PHASES if spec[phase]}
    if step.manual and not step.confirmed_at:
        files["ask"] = "a person"
    if unit := spec.get("unit"):
        files["unit"] = unit
    return files | {
        f"files/{name}": reveal(text, values.__getitem__) for name, text in spec["files"].items()
    }
