"""Walks every address of the portal and asks for it as people who may not, or may only look."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import admin
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

METHODS = ("GET", "POST")  # Of pages; the routes of the API say theirs.
# Of the admin: a row's history is found as its page is.
ALIKE = ("_history",)
# In every name of what a stranger to the cluster must not learn.
MARKER = "quokka"


@dataclass(frozen=True)
class Route:
    """An address: its full name, what its path takes, and the methods to try."""

    name: str
    path: str
    takes: tuple[str, ...]
    methods: tuple[str, ...]

    @property
    def is_api(self) -> bool:
        """Tell whether it answers with JSON and asks for a token."""
        return self.name.startswith("api:")


@dataclass(frozen=True)
class Answer:
    """What somebody got."""

    status: int
    location: str
    text: str

    @property
    def words(self) -> str:
        """Say it for the table."""
        if self.status == 302 and self.location.startswith("/login/"):
            return "sign-in"
        return str(self.status)


def routes() -> Iterator[Route]:
    """Yield every route that has a name, those of the admin's models among them."""
    yield from _walk(get_resolver(), "", "")


def ask(client: Client, route: Route, method: str, samples: dict[str, Any]) -> Answer:
    """Ask for a route's sample; whatever is written is undone."""
    address = reverse(route.name, kwargs=samples)
    held = client.cookies.get(settings.SESSION_COOKIE_NAME)
    session = held.value if held else ""
    with transaction.atomic():
        response: Any = client.generic(
            method, address, "{}" if route.is_api else "", content_type=_content_type(route, method)
        )
        text = _text(response)
        transaction.set_rollback(True)
    if session:  # Whoever signed out is signed in again, as the row of the session is.
        client.cookies[settings.SESSION_COOKIE_NAME] = session
    return Answer(response.status_code, response.headers.get("Location", ""), text)


def _walk(resolver: URLResolver, namespace: str, prefix: str) -> Iterator[Route]:
    """Yield the routes below a resolver."""
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, entry.namespace or namespace, path)
        elif entry.name and not entry.name.endswith(ALIKE):
            yield _route(entry, namespace, path)


def _route(entry: URLPattern, namespace: str, path: str) -> Route:
    """Describe one route."""
    actions = getattr(entry.callback, "actions", None)
    # Once a viewset was asked for anything it has HEAD too: it is GET without its body.
    own = [name.upper() for name in actions or () if name != "head"]
    methods = tuple(own) or METHODS
    name = f"{namespace}:{entry.name}" if namespace else entry.name or ""
    takes = dict.fromkeys(re.findall(r"<(?:\w+:)?(\w+)>", path))
    return Route(name, f"/{_plain(path)}", tuple(takes), methods)


def _plain(path: str) -> str:
    """Write a pattern as a person does."""
    path = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", path)
    return re.sub(r"<\w+:(\w+)>", r"<\1>", path).replace("^", "").replace("$", "")


def _content_type(route: Route, method: str) -> str:
    """Say what is sent: a file to imports, JSON to the API, a form to pages."""
    if route.name.startswith("api:cluster-import"):
        return "application/yaml"
    return "application/json" if route.is_api else "application/x-www-form-urlencoded"


def _text(response: HttpResponseBase) -> str:
    """Return what was answered."""
    parts = getattr(response, "streaming_content", None)
    body = b"".join(parts) if parts is not None else getattr(response, "content", b"")
    return body.decode(errors="replace") if isinstance(body, bytes) else str(body)


def admin_row(name: str) -> Any:
    """Return a row for an address of the admin such as admin:inventory_node_change, if any."""
    for model in admin.site._registry:
        if name.startswith(f"admin:{model._meta.app_label}_{model._meta.model_name}_"):
            rows = model._default_manager.order_by("pk")
            return next((row for row in rows if MARKER in _described(row)), rows.first())
    return None


def _described(row: Any) -> str:
    """Return what a row says of itself, never a secret."""
    return "" if isinstance(row, Authenticator) else str(row).lower()
