"""What settings make of the environment."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from voipadmin.env import mapping


def test_a_mapping_is_a_json_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOIPADMIN_RUN_PACE", '{"lease_s": 5, "starter": "setsid"}')

    assert mapping("VOIPADMIN_RUN_PACE") == {"lease_s": 5, "starter": "setsid"}
    assert mapping("VOIPADMIN_NEVER_SET") == {}


@pytest.mark.parametrize("value", ["[1]", "lease_s=5"])
def test_what_is_no_json_object_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("VOIPADMIN_RUN_PACE", value)

    with pytest.raises(ImproperlyConfigured, match="VOIPADMIN_RUN_PACE must be a JSON object"):
        mapping("VOIPADMIN_RUN_PACE")
