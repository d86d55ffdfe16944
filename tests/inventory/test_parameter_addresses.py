"""Which addresses a platform's parameter takes."""

import pytest

from inventory.parameters import parameter_faults
from inventory.platforms.loading import BUILTIN, load_platform

RING2ALL = load_platform(BUILTIN / "ring2all.yaml")


@pytest.mark.parametrize("address", ["https://repo.example.com/apt", "file:///srv/mirror"])
def test_a_repository_may_be_far_away_or_on_the_machines(address: str) -> None:
    assert list(parameter_faults(RING2ALL, {"ring2all_repository_url": address})) == []


@pytest.mark.parametrize("address", ["repo.example.com", "ftp://example.com", "file://far/srv"])
def test_anything_else_is_no_address_of_a_repository(address: str) -> None:
    (fault,) = parameter_faults(RING2ALL, {"ring2all_repository_url": address})

    assert "is an address such as" in fault
