"""Private keys: which are taken, and in words why others are not; their text stays in here."""

import base64
import binascii
import hashlib
import io
import threading
from functools import lru_cache

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from inventory.ssh.terms import AuthenticationFailed

RSA_BITS_AT_LEAST = 2048
TAKEN = "Ed25519, ECDSA and RSA of 2048 bits or more are taken, in OpenSSH or PEM format"
OPENSSH = "-----BEGIN OPENSSH PRIVATE KEY-----"
CURVES = {"secp256r1", "secp384r1", "secp521r1"}
# What a pasted text shows before anything is decrypted, and what to say of it.
STRANGE = (
    ("PuTTY-User-Key-File", "is in PuTTY's format: export it in PuTTYgen as an OpenSSH key"),
    ("-----BEGIN DSA", "is a DSA key, which no current server takes: make an Ed25519 key"),
    ("-----BEGIN CERTIFICATE", "is a certificate"),
    ("-----BEGIN PUBLIC KEY", "is the public half: paste the private key"),
    ("ssh-", "is the public half: paste the private key"),
    ("ecdsa-", "is the public half: paste the private key"),
)
STRANGE_TYPES = (
    (b"ssh-dss", "is a DSA key, which no current server takes: make an Ed25519 key"),
    (b"sk-ssh-", "needs a hardware token, which the portal cannot touch"),
    (b"sk-ecdsa-", "needs a hardware token, which the portal cannot touch"),
)
Private = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_reading = threading.Lock()


def check_private_key(text: str, passphrase: str = "") -> str:
    """Return kind and fingerprint of a private key; raises AuthenticationFailed when it is none.

    The passphrase has to open it, where it has one.
    """
    key = private_key(text, passphrase, "this login")
    digest = hashlib.sha256(key.asbytes()).digest()
    kind = "RSA" if isinstance(key, paramiko.RSAKey) else key.get_name().split("-")[1].upper()
    bits = f" {key.get_bits()}" if kind in {"RSA", "SHA2"} else ""
    name = "ECDSA" if kind == "SHA2" else kind
    return f"{name}{bits} SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def private_key(text: str, passphrase: str, name: str) -> paramiko.PKey:
    """Read a private key; its text and passphrase never get into a message."""
    try:
        # One at a time: fifty machines with one login pay for its passphrase once.
        with _reading:
            return _read(text, passphrase)
    except _RefusedKeyError as error:
        words = str(error)
    raise AuthenticationFailed(f"The private key for {name} {words}.")


class _RefusedKeyError(Exception):
    """A private key is not taken; the text says why."""


@lru_cache(maxsize=64)
def _read(text: str, passphrase: str) -> paramiko.PKey:
    """Read a key; a passphrase is slow to open on purpose, so what was read is kept."""
    _refuse_strange(text)
    key = _decrypted(text, passphrase)
    openssh = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return paramiko.Ed25519Key.from_private_key(io.StringIO(openssh))
    if isinstance(key, rsa.RSAPrivateKey):
        return paramiko.RSAKey.from_private_key(io.StringIO(openssh))
    return paramiko.ECDSAKey.from_private_key(io.StringIO(openssh))


def _refuse_strange(text: str) -> None:
    """Say of what is no key for us what it is."""
    for begin, words in STRANGE:
        if text.lstrip().startswith(begin):
            raise _RefusedKeyError(words)
    if text.lstrip().startswith(OPENSSH):
        inside = _unpacked(text)
        for kind, words in STRANGE_TYPES:
            if kind in inside:
                raise _RefusedKeyError(words)


def _unpacked(text: str) -> bytes:
    """Return how an OpenSSH key begins inside; its type is not encrypted."""
    lines = [line.strip() for line in text.splitlines() if "-----" not in line]
    try:
        return base64.b64decode("".join(lines)[:400])
    except (binascii.Error, ValueError):
        return b""


def _decrypted(text: str, passphrase: str) -> Private:
    """Open a key and refuse the kinds that are not taken."""
    data = text.strip().encode() + b"\n"
    try:
        key = _load(data, None)
    except TypeError:  # It is encrypted.
        key = _opened(data, passphrase)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _RefusedKeyError(f"cannot be read: {TAKEN}") from error
    if not isinstance(key, Private) or _has_strange_curve(key):
        raise _RefusedKeyError(f"is of a kind that is not taken: {TAKEN}")
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < RSA_BITS_AT_LEAST:
        raise _RefusedKeyError(f"is too short: an RSA key has {key.key_size} bits here. {TAKEN}")
    return key


def _has_strange_curve(key: Private) -> bool:
    """Tell whether a curve is none of SSH's."""
    return isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name not in CURVES


def _opened(data: bytes, passphrase: str) -> PrivateKeyTypes:
    """Decrypt a key with its passphrase."""
    if not passphrase:
        raise _RefusedKeyError("has a passphrase: give that too")
    try:
        return _load(data, passphrase.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _RefusedKeyError("is not opened by this passphrase") from error


def _load(data: bytes, passphrase: bytes | None) -> PrivateKeyTypes:
    """Read either format; raises TypeError for an encrypted key without a passphrase."""
    if data.startswith(OPENSSH.encode()):
        return load_ssh_private_key(data, passphrase)
    return load_pem_private_key(data, passphrase)
