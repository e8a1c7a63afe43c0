"""What `katib-config` says of collectors. Re-expressed from upstream's config/v1beta1/defaults."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kinds.katib.settings import Settings, Unknown
from sampan.kube import katib


def settings(**entry: Any) -> Settings:
    return Settings({"runtime": {"metricsCollectors": [entry]}})


def test_without_an_entry_upstreams_holds() -> None:
    found = Settings(None).collector("TensorFlowEvent")
    assert found["image"] == katib.IMAGES["TensorFlowEvent"]
    assert found["imagePullPolicy"] == "IfNotPresent"
    assert found["resources"]["limits"] == {
        "cpu": "500m", "memory": "1Gi", "ephemeral-storage": "5Gi"
    }  # fmt: skip


def test_an_entry_is_completed() -> None:
    given = {"limits": {"memory": "2Gi", "cpu": -1}, "requests": {"cpu": "0"}}
    found = settings(kind="StdOut", image="mine", imagePullPolicy="Never", resources=given)
    entry = found.collector("StdOut")
    assert (entry["image"], entry["imagePullPolicy"]) == ("mine", "Never")
    assert entry["resources"]["limits"] == {"memory": "2Gi", "ephemeral-storage": "5Gi"}
    assert entry["resources"]["requests"]["cpu"] == "50m"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"kind": "File"}, "failed to find metrics collector config for kind: Guess"),
        ({"kind": "Guess"}, "required value for image configuration"),
    ],
)
def test_what_is_not_configured_is_unknown(entry: dict[str, Any], said: str) -> None:
    with pytest.raises(Unknown, match=said):
        settings(**entry).collector("Guess")


def test_an_amount_that_is_none_is_said() -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        settings(kind="File", image="x", resources={"limits": {"cpu": "lots"}}).collector("File")
