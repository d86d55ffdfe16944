"""Private keys: kinds, formats and passphrases that are taken, and words for those that are not."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from inventory.ssh import AuthenticationFailed, Connection, check_private_key
from tests import sshd
from tests.sshd import Sshd, keygen, serving

pytestmark = pytest.mark.skipif(bool(sshd.missing()), reason=sshd.missing() or "sshd is there")
PASSPHRASE = "open sesame, ü"
RSA = ("-b", "2048")
PEM = ("-m", "PEM")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """Run one server."""
    with serving(tmp_path_factory.mktemp("sshd")) as running:
        yield running


def make_key(folder: Path, kind: str, passphrase: str = "", options: Sequence[str] = ()) -> str:
    """Make a key as people do; its public half is beside it."""
    keygen(folder / "key", kind, passphrase=passphrase, options=options)
    return (folder / "key").read_text()


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE], ids=["plain", "passphrase"])
@pytest.mark.parametrize(
    ("kind", "options"),
    [("ed25519", ()), ("rsa", RSA), ("ecdsa", ()), ("rsa", RSA + PEM), ("ecdsa", PEM)],
    ids=["ed25519", "rsa", "ecdsa", "rsa-pem", "ecdsa-pem"],
)
def test_keys_of_all_kinds_and_formats_log_in(
    server: Sshd, tmp_path: Path, kind: str, options: Sequence[str], passphrase: str
) -> None:
    key = make_key(tmp_path, kind, passphrase, options)
    shutil.copy(tmp_path / "key.pub", server.folder / "authorized_keys")
    target = replace(server.target(), key=key, passphrase=passphrase or None)

    with Connection.open(target) as connection:
        assert connection.run("id -u").text == "0\n"


def test_kind_and_fingerprint_are_those_that_ssh_keygen_prints(tmp_path: Path) -> None:
    for kind, name in (("ed25519", "ED25519"), ("rsa", "RSA 3072"), ("ecdsa", "ECDSA 256")):
        folder = tmp_path / kind
        folder.mkdir()
        key = make_key(folder, kind, PASSPHRASE)
        printed = subprocess.run(
            ["ssh-keygen", "-lf", str(folder / "key.pub")],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()[1]

        assert check_private_key(key, PASSPHRASE) == f"{name} {printed}"


def test_a_passphrase_that_is_missing_or_wrong_is_said_so(tmp_path: Path) -> None:
    key = make_key(tmp_path, "ed25519", PASSPHRASE)

    assert "has a passphrase: give that too" in refused(key)
    assert "is not opened by this passphrase" in refused(key, "sesame")


def test_a_pem_key_with_a_wrong_passphrase_is_said_so(tmp_path: Path) -> None:
    key = make_key(tmp_path, "rsa", PASSPHRASE, RSA + PEM)

    assert "has a passphrase: give that too" in refused(key)
    assert "is not opened by this passphrase" in refused(key, "sesame")


def test_pkcs8_is_read_with_and_without_a_passphrase() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    locked = BestAvailableEncryption(PASSPHRASE.encode())

    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked).decode()

    assert check_private_key(plain) == check_private_key(secret, PASSPHRASE)


def test_what_is_not_taken_is_said_in_words(tmp_path: Path) -> None:
    short = make_key(tmp_path, "rsa", options=("-b", "1024"))

    assert "is too short: an RSA key has 1024 bits here" in refused(short)
    assert "PuTTYgen" in refused("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n")
    assert "is a DSA key" in refused("-----BEGIN DSA PRIVATE KEY-----\nAAAA\n")
    assert "is a DSA key" in refused(openssh_of_type("ssh-dss"))
    assert "hardware token" in refused(openssh_of_type("sk-ssh-ed25519@openssh.com"))
    assert "is the public half" in refused((tmp_path / "key.pub").read_text())
    assert "cannot be read" in refused("-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n")


@pytest.mark.parametrize("key", [ed448.Ed448PrivateKey.generate()], ids=["ed448"])
def test_a_key_of_another_kind_is_not_taken(key: ed448.Ed448PrivateKey) -> None:
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    assert "is of a kind that is not taken" in refused(text)


def test_a_curve_that_ssh_does_not_have_is_not_taken() -> None:
    key = ec.generate_private_key(ec.SECP256K1())
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    assert "is of a kind that is not taken" in refused(text)


def test_no_refusal_shows_the_key_or_its_passphrase(tmp_path: Path) -> None:
    key = make_key(tmp_path, "ed25519", PASSPHRASE)

    said = refused(key, "a-wrong-one")

    assert "a-wrong-one" not in said
    assert not any(line in said for line in key.splitlines())


def refused(text: str, passphrase: str = "") -> str:
    """Return what is said of a key that is not taken."""
    with pytest.raises(AuthenticationFailed) as refusal:
        check_private_key(text, passphrase)
    return str(refusal.value)


def openssh_of_type(kind: str) -> str:
    """Begin an OpenSSH key of a type that ssh-keygen no longer makes, or needs hardware for."""
    parts = [b"none", b"none", b"", (1).to_bytes(4, "big"), kind.encode()]
    packed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    body = base64.b64encode(b"openssh-key-v1\0" + packed).decode()
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n"
