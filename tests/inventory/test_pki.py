"""A cluster's own authority issues certificates that others can verify."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509

from inventory import pki
from inventory.certificates import host_names
from inventory.topology import BalancerView
from inventory.uploads import UploadError, checked_upload, covers
from tests.provisioning.topologies import make_topology

NOW = datetime(2026, 6, 1, tzinfo=UTC)
AUTHORITY = pki.make_authority("berlin", NOW)
OTHER = pki.make_authority("berlin", NOW)
NAMES = ("pg-node-01", "10.0.0.1", "2001:db8::1")
PAIR = pki.issue(AUTHORITY, NAMES, NOW)
SITE = pki.issue(AUTHORITY, ("pbx.example.com", "*.example.org"), NOW)


def read(pair: pki.Pair) -> x509.Certificate:
    return pki.read_chain(pair.certificate)[0]


def faults(certificate: str, key: str, *, hostname: str = "", at: datetime = NOW) -> list[str]:
    with pytest.raises(UploadError) as error:
        checked_upload(certificate, key, hostname=hostname, now=at)
    return [f"{field}: {words}" for field, words in error.value.faults]


def test_a_certificate_is_for_names_and_addresses() -> None:
    assert pki.names_of(read(PAIR)) == frozenset(NAMES)


def test_a_certificate_is_signed_by_its_authority_alone() -> None:
    assert pki.is_issued_by(read(PAIR), read(AUTHORITY))
    assert not pki.is_issued_by(read(PAIR), read(OTHER))


def test_the_authority_signs_and_hosts_do_not() -> None:
    constraints = x509.BasicConstraints

    assert read(AUTHORITY).extensions.get_extension_for_class(constraints).value.ca
    assert not read(PAIR).extensions.get_extension_for_class(constraints).value.ca


@pytest.mark.parametrize(
    ("authority", "names", "after_days", "due"),
    [
        (AUTHORITY, NAMES, 0, False),
        (AUTHORITY, NAMES, 366, False),
        (AUTHORITY, NAMES, 368, True),
        (AUTHORITY, (*NAMES, "api-node-01"), 0, True),
        (OTHER, NAMES, 0, True),
    ],
)
def test_a_certificate_is_due_when_it_expires_or_is_for_others(
    authority: pki.Pair, names: tuple[str, ...], after_days: int, due: bool
) -> None:
    later = NOW + timedelta(days=after_days)

    assert pki.is_due(PAIR.certificate, authority.certificate, names, later) is due


def test_a_certificate_outlives_its_authority_never() -> None:
    late = NOW + timedelta(days=3600)

    issued = pki.issue(AUTHORITY, NAMES, late)

    assert pki.expires_at(issued.certificate) == pki.expires_at(AUTHORITY.certificate)


def test_a_machine_is_known_by_its_names_and_addresses() -> None:
    assert host_names(make_topology(), "pg-node-01") == ("pg-node-01", "10.205.0.11", "10.206.0.11")


def test_a_balancer_is_known_by_what_users_call_it_and_by_shared_addresses() -> None:
    parameters = {"public_hostname": "pbx.example.com", "virtual_ip": "10.206.0.99"}
    topology = make_topology({"lb-01": ("load-balancer",)}, parameters=parameters)
    outside = BalancerView("cloud", "admin", "public", ip_address("10.206.0.98"), "www.example.com")

    names = host_names(replace(topology, balancers={"cloud": outside}), "lb-01")

    assert names[3:] == ("pbx.example.com", "10.206.0.99", "www.example.com", "10.206.0.98")


def test_a_good_upload_is_kept_with_its_chain() -> None:
    chain = SITE.certificate + AUTHORITY.certificate

    kept = checked_upload(chain, SITE.key, hostname="pbx.example.com", now=NOW)

    assert kept == pki.Pair(chain, SITE.key)


def test_every_fault_of_an_upload_is_told() -> None:
    found = faults(
        SITE.certificate + OTHER.certificate,
        PAIR.key,
        hostname="voice.example.com",
        at=NOW + timedelta(days=400),
    )

    assert found == [
        "certificate: Certificate 1 is valid from 2026-05-31 to 2027-07-03.",
        "certificate: Certificate 1 was not issued by the one that follows it.",
        "certificate: It is for *.example.org, pbx.example.com and not for voice.example.com.",
        "key: This key does not belong to the first certificate.",
    ]


def test_what_is_no_certificate_or_key_is_told() -> None:
    assert faults("hello", "world") == [
        "certificate: These are no certificates in PEM format (-----BEGIN CERTIFICATE-----).",
        "key: This is no private key in PEM format.",
    ]


@pytest.mark.parametrize(
    ("hostname", "covered"),
    [
        ("PBX.example.com", True),
        ("a.example.org", True),
        ("a.b.example.org", False),
        ("example.org", False),
    ],
)
def test_a_wildcard_stands_for_one_label(hostname: str, covered: bool) -> None:
    assert covers(frozenset({"pbx.example.com", "*.example.org"}), hostname) is covered
