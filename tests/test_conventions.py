"""Habits worth keeping are kept by tests; each says what it wants."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

BASE_DIR = Path(__file__).resolve().parent.parent
PACKAGES = ("voipadmin", "inventory", "provisioning", "monitoring")
APPS = ("inventory", "provisioning", "monitoring", "accounts")
# Signing in, by password, second factor or elsewhere; each looks who has come how far.
OPEN_TO_STRANGERS = {
    "login",
    "account_login",
    "account_inactive",
    "healthz",
    "mfa_authenticate",
    "openid_connect_login",
    "openid_connect_callback",
    "socialaccount_login_cancelled",
    "socialaccount_signup",
}
# Asks for name and password itself.
SIGN_IN_OF_THE_API = "TokenView"
FORBIDDEN_MODULES = {"utils", "helpers", "constants", "managers", "selectors", "signals"}
# Written by anybody who reads a page: code and style belong in files, packages in node_modules.
FOREIGN_HOST = re.compile(r"""(?:src|href)\s*=\s*["'](?:https?:)?//""")


def modules() -> Iterator[Path]:
    """List our own modules, migrations apart."""
    for package in PACKAGES:
        yield from (p for p in (BASE_DIR / package).rglob("*.py") if "migrations" not in p.parts)


def templates() -> list[Path]:
    """List our own templates."""
    return sorted(
        path for folder in ("templates", *PACKAGES) for path in (BASE_DIR / folder).rglob("*.html")
    )


def imports(path: Path) -> set[str]:
    """Return the names of the modules that a module imports, wherever in its text."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def relative(path: Path) -> str:
    """Name a file as a person does."""
    return str(path.relative_to(BASE_DIR))


def test_paramiko_is_imported_by_one_package() -> None:
    importers = {
        relative(path)
        for path in modules()
        if any(name.split(".")[0] == "paramiko" for name in imports(path))
    }

    assert {name.rpartition("/")[0] for name in importers} == {"inventory/ssh"}


def test_no_module_is_a_drawer_for_everything() -> None:
    assert [relative(path) for path in modules() if path.stem in FORBIDDEN_MODULES] == []


def test_nothing_listens_to_model_signals() -> None:
    listeners = [
        relative(path)
        for path in modules()
        if any(
            name.startswith(("django.db.models.signals", "django.dispatch"))
            for name in imports(path)
        )
    ]

    assert listeners == []


def test_no_model_overrides_save_or_delete() -> None:
    overrides = [
        f"{model.__name__}.{name}"
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        for name in ("save", "delete")
        if name in vars(model)
    ]

    assert overrides == []


def test_every_choice_has_a_database_constraint() -> None:
    unguarded = [
        f"{model._meta.label}.{field.name}"
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.local_fields
        if field.choices and not _is_checked(model, field.name)
    ]

    assert unguarded == []


def _is_checked(model: type[models.Model], name: str) -> bool:
    checks = (c for c in model._meta.constraints if isinstance(c, models.CheckConstraint))
    return any(name == lookup for check in checks for lookup in _lookups(check.condition))


def _lookups(condition: object) -> Iterator[str]:
    if isinstance(condition, models.Q):
        for child in condition.children:
            yield from _lookups(child)
    elif isinstance(condition, tuple):
        name, _, lookup = str(condition[0]).partition("__")
        if lookup in ("in", "", "exact"):
            yield name


def test_every_constraint_explains_itself() -> None:
    silent = [
        constraint.name
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        for constraint in model._meta.constraints
        if not (isinstance(constraint, models.UniqueConstraint) and not constraint.condition)
        and constraint.violation_error_message == constraint.default_violation_error_message
    ]

    assert silent == []


def test_sign_in_and_health_are_the_only_pages_open_to_strangers() -> None:
    opened = {
        pattern.name or str(pattern.pattern)
        for pattern in _our_patterns(get_resolver())
        if not getattr(pattern.callback, "login_required", True)
        and not hasattr(pattern.callback, "cls")  # REST views ask for permission themselves
    }

    assert opened == OPEN_TO_STRANGERS


def test_every_rest_view_asks_who_is_there() -> None:
    from rest_framework.permissions import AllowAny

    open_views = [
        pattern.callback.cls.__name__
        for pattern in _our_patterns(get_resolver())
        if hasattr(pattern.callback, "cls")
        and (
            not pattern.callback.cls.permission_classes
            or AllowAny in pattern.callback.cls.permission_classes
        )
    ]

    assert open_views == [SIGN_IN_OF_THE_API]


def _our_patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield entry
        elif entry.namespace != "admin":
            yield from _our_patterns(entry)


@pytest.mark.parametrize("path", templates(), ids=relative)
def test_templates_load_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text()

    assert not FOREIGN_HOST.search(text)
    assert not re.search(r"<style|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']", text)


@pytest.mark.parametrize("path", templates(), ids=relative)
def test_templates_are_ours_to_escape(path: Path) -> None:
    text = path.read_text().replace("field.help_text|safe", "")  # Django's own: may hold a list

    assert not re.search(r"\|\s*safe\b|autoescape\s+off|mark_safe", text)


def test_settings_named_in_the_code_are_documented() -> None:
    documented = (BASE_DIR / "docs/settings.md").read_text()
    named = {
        name
        for path in modules()
        for name in re.findall(r"[\"'](VOIPADMIN_[A-Z_]+)[\"']", path.read_text())
    } - {"VOIPADMIN_SUPERVISOR", "VOIPADMIN_HEARTBEAT"}  # between our own processes

    assert {name for name in named if f"`{name}`" not in documented} == set()


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        relative(path)
        for path in modules()
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert silent == []


@pytest.mark.parametrize(
    "path", sorted((BASE_DIR / "requirements").glob("*.txt")), ids=lambda p: p.name
)
def test_pins_name_no_place_to_fetch_from(path: Path) -> None:
    options = [line for line in path.read_text().splitlines() if line.startswith("-")]

    assert [line for line in options if not line.startswith(("-c ", "-r "))] == []
