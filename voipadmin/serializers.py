"""Serializers that refuse what they do not know, and report all faults of a row at once."""

from collections.abc import Iterator, Mapping
from copy import copy
from ipaddress import ip_address, ip_network
from math import isfinite
from typing import Any, cast

from django.core.exceptions import ValidationError as RowError
from django.db import models
from django.db.models import Q
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.fields import SkipField, empty
from rest_framework.settings import api_settings

OTHER = api_settings.NON_FIELD_ERRORS_KEY


class StrictSerializer(serializers.Serializer):
    """Reports unknown fields, wrong values and what the row's constraints say together."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the values; raises ValidationError with every fault by field."""
        if not isinstance(data, Mapping):
            raise ValidationError({OTHER: ["Send an object with fields."]})
        errors: dict[str, Any] = dict(self._unexpected(data))
        values: dict[str, Any] = {}
        for field in self._writable_fields:
            name = str(field.field_name)
            try:
                self.set_value(values, field.source_attrs, self._value(field, data))
            except ValidationError as error:
                errors[name] = error.detail
            except RowError as error:
                errors[name] = error.messages
            except SkipField:
                continue
        for name, message in self.row_faults(values, set(errors)):
            errors.setdefault(name, []).append(message)
        if errors:
            raise ValidationError(errors)
        return values

    def row_faults(self, values: dict[str, Any], faulty: set[str]) -> Iterator[tuple[str, str]]:
        """Yield field and message of what fields say together; for serializers of rows."""
        yield from ()

    def _value(self, field: serializers.Field, data: Mapping[str, Any]) -> Any:
        """Return one field's checked value."""
        value = field.run_validation(field.get_value(data))
        check = getattr(self, f"validate_{field.field_name}", None)
        return check(value) if check else value

    def _unexpected(self, data: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
        """Yield fields that nobody knows, and read-only ones with another value than the row's."""
        shown: Any = None
        for name in data:
            field = self.fields.get(name)
            if field is None:
                yield str(name), ["There is no such field."]
            elif field.read_only:
                row = getattr(self, "instance", None)
                shown = shown or (self.to_representation(row) if row else {})
                if shown.get(name, empty) != data[name]:
                    yield name, ["This field cannot be set."]


class StrictModelSerializer(StrictSerializer, serializers.ModelSerializer):
    """A strict serializer of rows; constraints speak beside the fields (DRF ignores most)."""

    def get_validators(self) -> list[Any]:
        """Leave uniqueness to the constraints, whose messages name a field."""
        return []

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        """Give JSON columns a check of what PostgreSQL cannot store."""
        kind, options = super().build_standard_field(field_name, model_field)
        if kind is serializers.JSONField:
            options.setdefault("validators", []).append(storable_json)
        return kind, options

    def row_faults(self, values: dict[str, Any], faulty: set[str]) -> Iterator[tuple[str, str]]:
        """Check the constraints of the row as it would be, as far as its fields are good."""
        row = self._row(values)
        known = {field.source for field in self._writable_fields}
        skipped = {f.name for f in row._meta.fields if f.name not in known} | faulty
        for model, constraints in row.get_constraints():
            for constraint in constraints:
                try:
                    constraint.validate(model, row, exclude=skipped - self.settled)
                except RowError as error:
                    yield self._name_of(about(constraint)), error.messages[0]

    # Columns that the caller does not send, but that the row has by the time it is checked.
    settled: frozenset[str] = frozenset()

    def _row(self, values: dict[str, Any]) -> models.Model:
        """Return the row as it would be, unsaved."""
        instance = getattr(self, "instance", None)
        model = cast("type[models.Model]", self.Meta.model)
        row = copy(instance) if isinstance(instance, models.Model) else model()
        columns = {field.name for field in row._meta.fields}
        for name, value in values.items():
            if name in columns:
                setattr(row, name, value)
        return row

    def _name_of(self, column: str) -> str:
        """Return the field that shows a column."""
        return column if column in self.fields else OTHER


def about(constraint: models.BaseConstraint) -> str:
    """Return the column that a constraint is chiefly about: the last of a unique set."""
    if isinstance(constraint, models.UniqueConstraint):
        return constraint.fields[-1] if constraint.fields else OTHER
    names = {name for name, _ in _leaves(getattr(constraint, "condition", Q()))}
    return min(names) if len(names) == 1 else OTHER


def _leaves(condition: Any) -> Iterator[tuple[str, Any]]:
    """Yield column and value of every comparison in a condition."""
    for child in condition.children:
        if isinstance(child, Q):
            yield from _leaves(child)
        else:
            yield child[0].split("__")[0], child[1]


def storable_json(value: Any) -> None:
    """Refuse text and numbers that PostgreSQL's jsonb cannot hold."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            storable_json(key)
            storable_json(item)
    elif isinstance(value, list):
        for item in value:
            storable_json(item)
    elif isinstance(value, str) and "\x00" in value:
        raise ValidationError("Null characters are not allowed.")
    elif isinstance(value, float) and not isfinite(value):
        raise ValidationError("A number is too large.")


def _plain_text(data: Any) -> str:
    """Return text that may be an address; a zone such as %eth0 means nothing on another machine."""
    return data if isinstance(data, str) and "%" not in data else ""


@extend_schema_field({"type": "string", "example": "192.168.10.11"})
class AddressField(serializers.Field):
    """An IPv4 or IPv6 address."""

    default_error_messages = {"invalid": "Write an IP address, such as 192.168.10.11."}

    def to_internal_value(self, data: Any) -> Any:
        """Read the address."""
        try:
            return ip_address(_plain_text(data))
        except ValueError:
            self.fail("invalid")

    def to_representation(self, value: Any) -> str:
        """Write the address."""
        return str(value)


@extend_schema_field({"type": "string", "example": "192.168.10.0/24"})
class RangeField(serializers.Field):
    """A network's range in CIDR notation."""

    default_error_messages = {
        "invalid": "Write a range in CIDR notation, such as 192.168.10.0/24.",
        "host_bits": "{value} is an address in a network: write the network, {network}.",
        "no_prefix": "Say how large the network is, such as {value}/24.",
    }

    def to_internal_value(self, data: Any) -> Any:
        """Read the range; bits beyond the prefix are a mistake, not a range."""
        try:
            network = ip_network(_plain_text(data), strict=False)
        except ValueError:
            self.fail("invalid")
        if "/" not in data:
            self.fail("no_prefix", value=data)
        if str(network.network_address) != str(ip_address(data.split("/")[0])):
            self.fail("host_bits", value=data, network=network)
        return network

    def to_representation(self, value: Any) -> str:
        """Write the range."""
        return str(value)
