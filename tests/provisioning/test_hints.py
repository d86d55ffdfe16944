"""Known causes: recognised by what real programs print, and each with something to do."""

import re

import pytest

from provisioning.failures import split
from provisioning.hints import hints, known_causes

SAID = {
    "apt-lock": "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812",
    "dpkg-interrupted": "E: dpkg was interrupted, you must manually run 'dpkg --configure -a'",
    "no-space": "tar: usr/lib/x: Cannot write: No space left on device",
    "read-only": "touch: cannot touch '/etc/x': Read-only file system",
    "dns": "W: Temporary failure resolving 'mirror.example.org'",
    "repository-key": "W: GPG error: https://x bookworm InRelease: NO_PUBKEY 7FCC7D46ACCC4CF8",
    "release-not-yet-valid": "E: Release file x is not valid yet (invalid for another 3h)",
    "tls": "curl: (60) SSL certificate problem: unable to get local issuer certificate",
    "package-missing": "E: Unable to locate package postgresql-99",
    "package-conflict": "The following packages have unmet dependencies:",
    "repository-unreachable": "E: Failed to fetch http://x/InRelease  503",
    "port-in-use": "FATAL: could not bind IPv4 address 10.0.0.1: Address already in use",
    "address-missing": "LOG: could not listen on 10.0.0.9: Cannot assign requested address",
    "selinux": "type=AVC msg=audit(1): avc:  denied  { name_bind } for pid=812",
    "sudo-password": "sudo: a password is required",
    "host-key": "The host key of 10.0.0.1 has changed since it was confirmed.",
    "wrong-login": 'FATAL: password authentication failed for user "replicator"',
    "postgres-login": 'FATAL:  no pg_hba.conf entry for host "10.0.0.2", user "x"',
    "etcd-cluster-id": "request sent was ignored (cluster ID mismatch: remote[1]=2, local=3)",
    "etcd-quorum": "Error: etcdserver: no leader",
    "patroni-leader": "INFO: waiting for leader to bootstrap",
    "patroni-system-id": "CRITICAL: system ID mismatch, node pg-1 belongs to a different cluster",
    "unit-missing": "Unit etcd.service could not be found.",
    "unit-masked": "Failed to start etcd.service: Unit etcd.service is masked.",
    "unit-start-limit": "etcd.service: Start request repeated too quickly.",
    "exec-missing": "/bin/sh: 3: patronictl: not found",
    "oom": "Out of memory: Killed process 812 (postgres)",
    "unit-failed": "Job for etcd.service failed because the control process exited with error",
    "no-route": "connect: No route to host",
    "refused": "dial tcp 10.0.0.1:2379: connect: connection refused",
    "reset": "read: Connection reset by peer",
    "permission": "/etc/patroni/config.yml: Permission denied",
    "syntax": "yaml: line 3: mapping values are not allowed in this context",
    "machine-gone": "The host was restarted while the step ran.",
    "timeout": "It took longer than 120 s and was ended.",
}


@pytest.mark.parametrize(("key", "said"), SAID.items())
def test_a_cause_is_recognised_by_what_programs_print(key: str, said: str) -> None:
    assert hints(["Reading package lists...", said])[0].key == key


def test_every_cause_is_recognised_by_something() -> None:
    assert [cause.key for cause in known_causes()] == list(SAID)


@pytest.mark.parametrize("cause", known_causes(), ids=lambda cause: cause.key)
def test_every_cause_is_told_in_sentences(cause: object) -> None:
    for words in (cause.cause, cause.remedy):  # type: ignore[attr-defined]
        assert re.fullmatch(r"[A-Za-z].*\.", words), words


def test_what_stands_nearer_to_the_end_counts_more() -> None:
    found = hints(["connect: Connection refused", "write: No space left on device"])

    assert [cause.key for cause in found] == ["no-space", "refused"]


def test_an_exit_status_alone_says_something() -> None:
    assert [cause.key for cause in hints(["Working"], exit_code=137)] == ["oom"]


def test_what_nobody_knows_has_no_hint() -> None:
    assert hints(["line 1", "Apply ended with exit status 4."], exit_code=4) == []


def test_the_journal_is_told_from_the_command() -> None:
    assert split(["==> apply", "bad", "==> journal", "etcd: why"]) == (
        ["==> apply", "bad"],
        ["etcd: why"],
    )
    assert split(["==> apply", "bad"]) == (["==> apply", "bad"], [])
