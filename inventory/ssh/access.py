"""How a container is logged in to, read from its row."""

from inventory.models.containers import Container
from inventory.ssh.terms import AuthenticationFailed, HostKeyUnknown, Target, Unreachable
from inventory.states import CredentialKind


def target_for(container: Container) -> Target:
    """Read how to log in to a container; raises SSHError that says what is missing."""
    credential = container.credential
    if credential is None:
        raise AuthenticationFailed(f"{container.name} has no credential: choose one on its page.")
    if not container.host_key:
        raise HostKeyUnknown(
            f"The host key of {container.name} is not confirmed: compare its fingerprint first."
        )
    is_key = credential.kind == CredentialKind.KEY
    return Target(
        name=container.name,
        host=address_of(container),
        port=container.ssh_port,
        username=credential.username,
        key=credential.secret if is_key else None,
        password=None if is_key else credential.secret,
        host_key=container.host_key,
        sudo=credential.sudo,
    )


def address_of(container: Container) -> str:
    """Find the address that the portal logs in to."""
    for address in container.addresses.all():
        if address.network.kind == container.ssh_network:
            return str(address.ip)
    raise Unreachable(
        f"{container.name} has no {container.ssh_network} address to log in to: add one."
    )
