"""Pages of nodes."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def node_create(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")


def node_detail(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")


def node_edit(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")


def node_move(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")


def node_remove(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")
