"""How a page carries out a change: a no comes back beside what was typed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.http import HttpRequest

from inventory.board import FindingRow, finding_rows
from inventory.models import Cluster
from inventory.operations import ChangeError, Operation, Refused, Result, perform
from inventory.platforms.schema import Platform

Written = TypeVar("Written")


@dataclass
class Attempt:
    """A change that a page tries; `refused` holds the rules' no."""

    request: HttpRequest
    form: forms.BaseForm
    platform: Platform | None
    refused: list[FindingRow] = field(default_factory=list)

    @property
    def seen(self) -> str:
        """Return what the form was filled in from, as `sight` names it."""
        return self.request.POST.get("seen", "")

    @property
    def status(self) -> int:
        """Return the status of the page: 409 for a rule's no, 400 for bad input."""
        if self.refused:
            return 409
        return 400 if self.form.errors else 200

    def write(self, writer: Callable[[], Written]) -> Written | None:
        """Write all or nothing; None when it was refused."""
        try:
            with transaction.atomic():
                return writer()
        except Refused as refused:
            self.refused = finding_rows(refused.findings, self.platform)
        except ChangeError as error:
            self.form.add_error(None, str(error))
        except ValidationError as error:
            self._add(error)
        return None

    def perform(
        self, operation: Operation, *, cluster: Cluster | None, reason: str = ""
    ) -> Result | None:
        """Carry out one operation as the user of the request, on what the form showed."""
        return self.write(
            lambda: perform(
                operation,
                cluster=cluster,
                actor=actor(self.request),
                reason=reason,
                request_id=request_id(self.request),
                seen=self.seen,
            )
        )

    def say(self) -> None:
        """Say a no in messages, where there is a button and no form."""
        for row in self.refused:
            messages.error(self.request, f"{row.finding.rule}: {row.finding.message}")
        for error in self.form.non_field_errors():
            messages.error(self.request, str(error))

    def _add(self, error: ValidationError) -> None:
        """Put a row's faults beside their fields, or above the form."""
        if not hasattr(error, "error_dict"):
            self.form.add_error(None, error)
            return
        for name, faults in error.error_dict.items():
            known = name in self.form.fields and name != NON_FIELD_ERRORS
            self.form.add_error(name if known else None, faults)


def actor(request: HttpRequest) -> User:
    """Return who is signed in; every page but login asks for that."""
    return cast("User", request.user)


def request_id(request: HttpRequest) -> str:
    """Return the id that a proxy gave the request."""
    return request.headers.get("X-Request-ID", "")[:64]
