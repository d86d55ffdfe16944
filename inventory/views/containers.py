"""Pages of containers."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def container_list(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")


def container_create(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")


def container_detail(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")


def container_edit(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")


def container_host_key(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")


def container_adopt(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")


def container_release(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")
