"""A cluster's own certificate authority, and certificates that others issued: pure.

Everything goes in and out as PEM text. Keys are ECDSA P-256: every browser, HAProxy, nginx and
FreeSWITCH takes them, and they are short.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_FOR = timedelta(days=3650)
# What browsers accept at most.
HOST_FOR = timedelta(days=397)
RENEW_BEFORE = timedelta(days=30)
# A host whose clock is a little behind takes a new certificate, too.
BACKDATED = timedelta(hours=24)
LONGEST_COMMON_NAME = 64


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate, with its chain behind it if any, and its private key; PEM."""

    certificate: str
    key: str


def make_authority(name: str, now: datetime) -> Pair:
    """Return a new authority whose certificate signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    builder = _builder(subject, subject, key, now, AUTHORITY_FOR).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return Pair(_certificate_pem(builder.sign(key, hashes.SHA256())), _key_pem(key))


def issue(authority: Pair, names: Sequence[str], now: datetime) -> Pair:
    """Return a new certificate and key for names and addresses; the first is its common name.

    It is for servers and for clients, so that machines may prove themselves to each other.
    """
    issuer = read_chain(authority.certificate)[0]
    signer = serialization.load_pem_private_key(authority.key.encode(), password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError("The authority's key is none of ours.")
    key = ec.generate_private_key(ec.SECP256R1())
    lasts = min(HOST_FOR, issuer.not_valid_after_utc - now)
    builder = _builder(_name(names[0]), issuer.subject, key, now, lasts)
    builder = builder.add_extension(x509.SubjectAlternativeName(map(_general, names)), False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
        critical=False,
    )
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
    )
    return Pair(_certificate_pem(builder.sign(signer, hashes.SHA256())), _key_pem(key))


def is_due(certificate: str, authority: str, names: Iterable[str], now: datetime) -> bool:
    """Tell whether a host needs a new certificate: soon to expire, other names, other authority."""
    own, issuer = read_chain(certificate)[0], read_chain(authority)[0]
    is_ours = is_issued_by(own, issuer)
    expires_soon = now > own.not_valid_after_utc - RENEW_BEFORE
    return not is_ours or expires_soon or names_of(own) != frozenset(names)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tell whether a certificate was signed by another."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def read_chain(pem: str) -> list[x509.Certificate]:
    """Return the certificates of a PEM text; raises ValueError when it is none."""
    return x509.load_pem_x509_certificates(pem.encode())


def names_of(certificate: x509.Certificate) -> frozenset[str]:
    """Return the names and addresses that a certificate is for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    addresses = map(str, found.get_values_for_type(x509.IPAddress))
    return frozenset((*found.get_values_for_type(x509.DNSName), *addresses))


def expires_at(pem: str) -> datetime:
    """Return when the first certificate of a PEM text expires."""
    return read_chain(pem)[0].not_valid_after_utc


def fingerprint(pem: str) -> str:
    """Return the SHA-256 fingerprint of the first certificate, as openssl and browsers show it."""
    return read_chain(pem)[0].fingerprint(hashes.SHA256()).hex(":").upper()


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    lasts: timedelta,
) -> x509.CertificateBuilder:
    """Return what every certificate begins with."""
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lasts)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _name(common: str) -> x509.Name:
    """Return a subject of one common name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:LONGEST_COMMON_NAME])])


def _general(name: str) -> x509.GeneralName:
    """Return an address as an address, anything else as a DNS name."""
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """Return what a key is for."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _certificate_pem(certificate: x509.Certificate) -> str:
    """Return a certificate as text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """Return a private key as text, without a passphrase: it is stored encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
