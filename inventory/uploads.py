"""Whether an uploaded certificate, its chain and its key can be served: pure."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

from inventory.pki import Pair, is_issued_by, names_of, read_chain

Fault = tuple[str, str]
FORMAT = serialization.PublicFormat.SubjectPublicKeyInfo


class UploadError(Exception):
    """Carries every fault of an upload, each with the field it is about."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("; ".join(words for _, words in faults))


def checked_upload(certificate: str, key: str, *, hostname: str, now: datetime) -> Pair:
    """Return an upload as it is stored: certificates in their order, key in one format.

    `hostname` is what users call the cluster by; empty: not known yet, not looked at.
    Raises UploadError with every fault.
    """
    chain, faults = _chain(certificate)
    private, unreadable = _private_key(key)
    faults += unreadable
    if chain:
        faults += _chain_faults(chain, hostname, now)
        own = chain[0].public_key()
        if private and _public(private.public_key()) != _public(own):
            faults.append(("key", "This key does not belong to the first certificate."))
    if faults or private is None:
        raise UploadError(faults)
    pem = "".join(c.public_bytes(serialization.Encoding.PEM).decode() for c in chain)
    return Pair(pem, _key_text(private))


def covers(names: frozenset[str], hostname: str) -> bool:
    """Tell whether a certificate's names cover a host name; `*` stands for one label."""
    known = {name.lower().rstrip(".") for name in names}
    wanted = hostname.lower().rstrip(".")
    return wanted in known or f"*.{wanted.partition('.')[2]}" in known


def _chain(pem: str) -> tuple[list[x509.Certificate], list[Fault]]:
    """Read the certificates."""
    try:
        return read_chain(pem), []
    except ValueError:
        words = "These are no certificates in PEM format (-----BEGIN CERTIFICATE-----)."
        return [], [("certificate", words)]


def _private_key(pem: str) -> tuple[PrivateKeyTypes | None, list[Fault]]:
    """Read the key."""
    try:
        return serialization.load_pem_private_key(pem.encode(), password=None), []
    except TypeError:
        return None, [("key", "The key has a passphrase; the balancer could not open it.")]
    except ValueError:
        return None, [("key", "This is no private key in PEM format.")]


def _chain_faults(chain: list[x509.Certificate], hostname: str, now: datetime) -> Iterator[Fault]:
    """Yield what keeps a chain from being served."""
    names = names_of(chain[0])
    for number, link in enumerate(chain, 1):
        if not link.not_valid_before_utc <= now <= link.not_valid_after_utc:
            since, until = link.not_valid_before_utc, link.not_valid_after_utc
            words = f"Certificate {number} is valid from {since:%Y-%m-%d} to {until:%Y-%m-%d}."
            yield "certificate", words
    for number, (link, issuer) in enumerate(pairwise(chain), 1):
        if not is_issued_by(link, issuer):
            words = f"Certificate {number} was not issued by the one that follows it."
            yield "certificate", words
    if not names:
        yield "certificate", "The first certificate names no host (subjectAltName)."
    elif hostname and not covers(names, hostname):
        yield "certificate", f"It is for {', '.join(sorted(names))} and not for {hostname}."


def _public(key: PublicKeyTypes) -> bytes:
    """Return a public key so that it can be compared."""
    return key.public_bytes(serialization.Encoding.DER, FORMAT)


def _key_text(key: PrivateKeyTypes) -> str:
    """Return a private key as it is stored."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
