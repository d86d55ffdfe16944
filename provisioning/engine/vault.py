"""Secrets of a cluster and values a run found out: revealed only in what is sent."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import User

from inventory.models import Cluster, Container, Secret
from inventory.ssh import credentials_of
from provisioning.engine.certificates import tls_values
from provisioning.engine.masking import Masker
from provisioning.models import Run, Step
from provisioning.runbook.tls import is_shown, is_tls
from provisioning.steps import reveal

PHASES = ("only_if", "probe", "apply", "verify")
DRY_PHASES = ("only_if", "probe", "preview")
# Stands in dry runs for what does not exist before a real one.
UNKNOWN = "‹known at the first run›"


class ValueMissingError(Exception):
    """A step needs a value that no earlier step has registered, or a key that is not there."""


def secret_values(cluster: Cluster, keys: Iterable[str], *, is_dry: bool) -> dict[str, str]:
    """Return all secrets of a cluster; those of these keys are made where missing.

    A dry run generates none: it has a placeholder for each.
    """
    keys = set(keys)
    issued = tls_values(cluster, keys, is_dry=is_dry)
    known = issued | {secret.key: secret.value for secret in cluster.secrets.all()}
    missing = sorted(keys - set(known))
    if is_dry:
        return dict.fromkeys(missing, UNKNOWN) | known
    # What no machine of the cluster is named by can be no certificate's key.
    missing = [key for key in missing if not is_tls(key)]
    if not missing:
        return known
    # Another process may be as fast: the first value counts.
    Secret.objects.bulk_create(
        [Secret(cluster=cluster, key=key, value=secrets.token_urlsafe()) for key in missing],
        ignore_conflicts=True,
    )
    return issued | {secret.key: secret.value for secret in cluster.secrets.all()}


def registered_values(run: Run) -> dict[str, str]:
    """Return what the steps of a run have found out, by NODE/NAME."""
    done = run.steps.done().exclude(register="")
    rows = done.values_list("node_name", "register", "registered")
    return {f"{node}/{name}": value for node, name, value in rows}


def masker_for(
    values: Mapping[str, str], containers: Iterable[Container], *, user: User | None = None
) -> Masker:
    """Return what masks the cluster's secrets and every login that a user's run may need."""
    logins = set(credentials_of(containers, user=user))
    hidden = {value for key, value in values.items() if not is_shown(key)}
    words = {w for login in logins for w in (login.secret, login.passphrase, login.sudo_password)}
    return Masker({*hidden, *filter(None, words)} - {UNKNOWN})


def files_for(
    step: Step,
    spec: Mapping[str, Any],
    secret: Mapping[str, str],
    registered: Mapping[str, str],
    *,
    is_dry: bool,
) -> dict[str, str]:
    """Return the files of an attempt, references revealed; a manual step first only looks.

    Raises ValueMissingError.
    """

    def value(key: str) -> str:
        if key not in registered and not is_dry:
            node, _, name = key.partition("/")
            raise ValueMissingError(f"It needs {name} of {node}, which no step has registered.")
        return registered.get(key, UNKNOWN)

    def secret_of(key: str) -> str:
        if key not in secret:
            raise ValueMissingError(f"There is no {key}: plan anew, the cluster has changed since.")
        return secret[key]

    phases = DRY_PHASES if is_dry else PHASES
    files = {phase: spec[phase] for phase in phases if spec.get(phase)}
    if is_dry:
        files["dry"] = "look"
    elif step.manual and not step.confirmed_at:
        files["ask"] = "a person"
    if unit := spec.get("unit"):
        files["unit"] = unit
    return files | {
        f"files/{name}": reveal(text, secret_of, value) for name, text in spec["files"].items()
    }
