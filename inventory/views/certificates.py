"""Pages of a cluster's certificates."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from inventory.certificates import PERMISSION, remove_certificate, upload_certificate
from inventory.forms.certificates import CertificateForm
from inventory.models import Certificate, Cluster
from inventory.permits import on_cluster
from inventory.pki import RENEW_BEFORE
from inventory.views.clusters import cluster_of
from inventory.views.writing import Attempt, actor, request_id


@require_safe
@on_cluster("inventory.view_certificate")
def certificate_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the authority, what the public side serves, and the machines' certificates."""
    return render(request, "inventory/certificate_list.html", _context(cluster_of(slug)))


@require_POST
@on_cluster(PERMISSION)
def certificate_upload(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a certificate for the public side."""
    cluster = cluster_of(slug)
    form = CertificateForm(request.POST)
    attempt = Attempt(request, form, None)
    if form.is_valid() and (
        row := attempt.write(
            lambda: upload_certificate(
                cluster=cluster,
                actor=actor(request),
                request_id=request_id(request),
                **form.cleaned_data,
            )
        )
    ):
        messages.success(
            request, f"The next run of the balancers serves it, until {row.expires_at:%Y-%m-%d}."
        )
        return redirect("inventory:certificate-list", slug=slug)
    context = _context(cluster) | {"form": form}
    return render(request, "inventory/certificate_list.html", context, status=attempt.status)


@require_POST
@on_cluster(PERMISSION)
def certificate_remove(request: HttpRequest, slug: str) -> HttpResponse:
    """Forget the certificate of the public side."""
    removed = remove_certificate(
        cluster=cluster_of(slug), actor=actor(request), request_id=request_id(request)
    )
    if removed:
        messages.success(request, "The next run of the balancers serves the own one again.")
    return redirect("inventory:certificate-list", slug=slug)


@require_safe
@on_cluster("inventory.view_certificate")
def authority_file(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the certificate of the cluster's own authority, for browsers and phones."""
    authority = Certificate.objects.authority_of(cluster_of(slug))
    if authority is None:
        raise Http404
    response = HttpResponse(authority.certificate, content_type="application/x-pem-file")
    response["Content-Disposition"] = f'attachment; filename="{slug}-authority.pem"'
    return response


def _context(cluster: Cluster) -> dict[str, Any]:
    """Return what the page shows."""
    rows = Certificate.objects
    return {
        "cluster": cluster,
        "form": CertificateForm(),
        "authority": rows.authority_of(cluster),
        "public": rows.public_of(cluster),
        "hosts": rows.hosts_of(cluster),
        "now": timezone.now(),
        "soon": timezone.now() + RENEW_BEFORE,
    }
