"""How a container is logged in to, read from its row: which login, through which bastions."""

from collections.abc import Iterable, Iterator

from django.contrib.auth.models import User

from inventory.models.bastions import CHAIN_AT_MOST, Bastion
from inventory.models.containers import Container
from inventory.models.credentials import Credential
from inventory.ssh.connection import host_key_of
from inventory.ssh.terms import (
    AuthenticationFailed,
    HostKey,
    HostKeyUnknown,
    SSHError,
    Target,
    Unreachable,
)
from inventory.states import CredentialKind


def target_for(container: Container, *, user: User | None = None) -> Target:
    """Read how to log in to a container; raises SSHError that says what is missing.

    With a user, the user's own login for the cluster comes first; then the container's, then the
    cluster's.
    """
    credential = credential_for(container, user=user)
    return _target(
        name=container.name,
        host=address_of(container),
        port=container.ssh_port,
        credential=credential,
        host_key=container.host_key,
        bastion=bastion_target(bastion_of(container)),
    )


def credential_for(container: Container, *, user: User | None = None) -> Credential:
    """Choose the login of a container; raises AuthenticationFailed when there is none to use."""
    cluster = container.cluster
    own: Credential | None = None
    if user:
        own = Credential.objects.personal(user, cluster).first()
    if own:
        return own
    credential = container.credential or (cluster.credential if cluster else None)
    if credential is None:
        raise AuthenticationFailed(
            f"{container.name} has no credential: choose one on its page, or for its cluster."
        )
    if credential.user_id is not None:
        raise AuthenticationFailed(
            f"The credential chosen for {container.name} is a user's own: choose a shared one."
        )
    return credential


def credentials_of(
    containers: Iterable[Container], *, user: User | None = None
) -> Iterator[Credential]:
    """Yield every login that containers may be reached with, those of bastions included."""
    for container in containers:
        if user:
            yield from Credential.objects.personal(user, container.cluster)
        yield from filter(None, (container.credential,))
        if container.cluster and container.cluster.credential:
            yield container.cluster.credential
        if bastion := bastion_of(container):
            yield from (link.credential for link in bastion.chain())


def bastion_of(container: Container) -> Bastion | None:
    """Return the bastion that leads to a container: its own, or its cluster's."""
    if container.skips_bastion or container.bastion:
        return container.bastion
    return container.cluster.bastion if container.cluster else None


def bastion_target(bastion: Bastion | None) -> Target | None:
    """Read how to log in to a bastion and to those before it; raises SSHError."""
    if bastion is None:
        return None
    chain = list(bastion.chain())
    if len(chain) > CHAIN_AT_MOST:
        raise SSHError(f"More than {CHAIN_AT_MOST} bastions in a row lead to {bastion.name}.")
    target: Target | None = None
    for link in reversed(chain):
        target = _target(
            name=f"bastion {link.name}",
            host=link.host,
            port=link.port,
            credential=link.credential,
            host_key=link.host_key,
            bastion=target,
        )
    return target


def shown_host_key(row: Container | Bastion) -> HostKey:
    """Ask a container or a bastion for its host key, through the bastions that lead to it."""
    if isinstance(row, Bastion):
        return host_key_of(f"bastion {row}", row.host, row.port, bastion=bastion_target(row.via))
    way = bastion_target(bastion_of(row))
    return host_key_of(row.name, address_of(row), row.ssh_port, bastion=way)


def address_of(container: Container) -> str:
    """Find the address that the portal logs in to."""
    for address in container.addresses.all():
        if address.network.kind == container.ssh_network:
            return str(address.ip)
    raise Unreachable(
        f"{container.name} has no {container.ssh_network} address to log in to: add one."
    )


def _target(
    *,
    name: str,
    host: str,
    port: int,
    credential: Credential,
    host_key: str,
    bastion: Target | None,
) -> Target:
    """Say where and how to log in; a host whose key nobody confirmed is not logged in to."""
    if not host_key:
        raise HostKeyUnknown(
            f"The host key of {name} is not confirmed: compare its fingerprint first."
        )
    is_key = credential.kind == CredentialKind.KEY
    return Target(
        name=name,
        host=host,
        port=port,
        username=credential.username,
        key=credential.secret if is_key else None,
        password=None if is_key else credential.secret,
        host_key=host_key,
        sudo=credential.sudo,
        bastion=bastion,
        passphrase=credential.passphrase,
        sudo_password=credential.sudo_password,
        login=credential.name,
    )
