"""What the balancers' and the sidecar's settings say for clusters of different shapes."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from inventory.firewall import firewall_rules
from provisioning.planning import plan
from provisioning.runbook.load import load_runbooks
from provisioning.runbook.rendering import RenderError
from provisioning.runbook.tls import is_shown, machines_of, tls_reference
from provisioning.steps import CompiledStep
from tests.provisioning.topologies import PRIVATE, make_topology

VIP = f"{PRIVATE}.99"
TWO = {"lb-01": ("load-balancer",), "lb-02": ("load-balancer",), "web-01": ("admin",)}
SIDECAR = """
schema: 1
platform: ring2all
role: api
title: Only the sidecar
components:
  - include: common/sidecar.yaml
"""
ONE = {"lb-01": ("load-balancer",), "web-01": ("admin",)}


def steps(roles: Mapping[str, tuple[str, ...]], **parameters: str) -> dict[str, CompiledStep]:
    """Return the steps of the first balancer by what follows the role in their keys."""
    topology = make_topology(roles, parameters=parameters)
    planned = plan(topology, load_runbooks("ring2all"), roles=["load-balancer"])
    return {s.key.partition(".")[2]: s for s in planned.steps if s.container == "lb-01"}


def settings(roles: Mapping[str, tuple[str, ...]], **parameters: str) -> str:
    """Return HAProxy's settings on the first balancer."""
    return steps(roles, **parameters)["balancer.settings"].files["content"]


def test_a_role_without_servers_is_answered_in_words() -> None:
    text = settings(ONE)

    assert 'string "There is no portal server yet.\\n"' in text
    assert "server web-01 10.205.0.12:443 ssl verify required" in text


def test_only_two_balancers_share_an_address() -> None:
    assert "address.run" in steps(TWO, virtual_ip=VIP)
    assert "address.run" not in steps(TWO)
    assert "address.run" not in steps(ONE, virtual_ip=VIP)
    assert "no-address.stopped" in steps(ONE, virtual_ip=VIP)


def test_a_shared_address_gets_the_prefix_of_its_network() -> None:
    text = steps(TWO, virtual_ip="10.206.0.99")["address.settings"].files["content"]

    assert "10.206.0.99/24 dev" in text
    assert "unicast_src_ip 10.205.0.11" in text
    assert "track_interface" in text


@pytest.mark.parametrize("address", ["192.0.2.9", "nonsense"])
def test_a_shared_address_of_no_network_is_refused(address: str) -> None:
    with pytest.raises(RenderError, match=address):
        steps(TWO, virtual_ip=address)


def test_balancers_hear_each_others_vrrp_and_nobody_elses() -> None:
    rules = firewall_rules(make_topology(TWO), "lb-01")

    heard = [rule.sources for rule in rules if rule.protocol == "vrrp"]

    assert heard == [("10.205.0.11", "10.205.0.12")]


def test_the_question_of_an_authority_is_not_redirected() -> None:
    text = settings(TWO, public_certificate="acme", public_hostname="pbx.example.com")

    assert "unless { ssl_fc } || is_challenge" in text
    assert "server lb-02 10.205.0.12:8402 no-check" in text
    assert "acme" not in settings(TWO)


def test_the_public_side_is_served_what_the_portal_has() -> None:
    content = steps(ONE)["balancer.certificate"].files["content"]

    assert content == "⟦secret:tls.public-certificate.lb-01⟧⟦secret:tls.public-key.lb-01⟧\n"


def test_a_part_of_a_certificate_that_nobody_knows_is_refused() -> None:
    assert tls_reference("LB-01", "key") == "⟦secret:tls.key.lb-01⟧"
    with pytest.raises(ValueError, match="authority-key"):
        tls_reference("lb-01", "authority-key")


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("tls.authority", True),
        ("tls.certificate.key", True),
        ("tls.public-certificate.lb-01", True),
        ("tls.key.lb-01", False),
        ("tls.public-key.lb-01", False),
        ("haproxy-stats", False),
    ],
)
def test_certificates_may_be_shown_and_keys_may_not(key: str, shown: bool) -> None:
    assert is_shown(key) is shown


def test_references_tell_their_machines() -> None:
    keys = ["tls.authority", "tls.key.a.example.com", "tls.public-key.b", "haproxy-stats"]

    assert machines_of(keys) == {"a.example.com", "b"}


def test_the_sidecar_listens_at_home_and_knows_every_member(tmp_path: Path) -> None:
    (tmp_path / "ring2all").mkdir()
    (tmp_path / "ring2all/api.yaml").write_text(SIDECAR)
    roles = {"pg-01": ("database",), "pg-02": ("database",), "api-01": ("api",)}
    runbooks = load_runbooks("ring2all", directories=[tmp_path])

    planned = plan(make_topology(roles), runbooks, roles=["api"])

    (step,) = [s for s in planned.steps if s.key == "api.sidecar.settings"]
    lines = [line.split() for line in step.files["content"].splitlines()]
    binds = {words[1] for words in lines if words[:1] == ["bind"]}
    assert binds == {"127.0.0.1:5000", "127.0.0.1:5001", "127.0.0.1:7000"}
    assert sum(words[:1] == ["server"] for words in lines) == 4
