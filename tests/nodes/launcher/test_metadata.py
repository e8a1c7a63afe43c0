"""`output_metadata.json` as protocol buffers read it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sampan.nodes.launcher import metadata
from sampan.nodes.launcher.metadata import Nonsense, Said


@pytest.mark.parametrize("path", ["custom_path", "customPath"])
def test_what_the_sdk_writes(path: str) -> None:
    artifact = {"name": "n", "uri": "minio://b/k", "metadata": {"custom_path": 1}, path: "/x"}
    text = {"parameterValues": {"a": 1, "b": None}, "artifacts": {"m": {"artifacts": [artifact]}}}
    found = metadata.parsed(json.dumps(text).encode())
    assert found.parameter_values == {"a": 1, "b": None}
    (said,) = found.artifacts["m"].artifacts
    assert said == Said(
        name="n", uri="minio://b/k", metadata={"custom_path": 1}, custom_path="/x"
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"parameterValues": None, "artifacts": None}, id="null"),
        pytest.param({"parameter_values": {}, "parameters": {"x": {"intValue": 1}}}, id="old"),
        pytest.param({"artifacts": {"a": {}, "b": {"artifacts": None}}}, id="empty-lists"),
    ],
)
def test_what_says_nothing(text: Any) -> None:
    found = metadata.parsed(json.dumps(text).encode())
    assert not found.parameter_values
    assert not any(each.artifacts for each in found.artifacts.values())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(b"", "Expecting value", id="empty"),
        pytest.param(b"\xff", "utf-8", id="no-text"),
        pytest.param(b"[]", "array", id="list"),
        pytest.param(b'{"other": 1}', "other", id="unknown-field"),
        pytest.param(b'{"artifacts": {"m": {"artifacts": [{"uri": 3}]}}}', r"uri", id="type"),
        pytest.param(b'{"artifacts": {"m": []}}', r"artifacts", id="no-list"),
        pytest.param(b'{"artifacts": {"m": {"artifacts": [{"metadata": []}]}}}', "meta", id="meta"),
        pytest.param(b'{"parameterValues": {"x": NaN}}', "NaN is no number", id="nan"),
        pytest.param(b'{"parameterValues":' + b"[" * 100_000, ".", id="deep"),
    ],
)
def test_nonsense_is_named(text: bytes, said: str) -> None:
    with pytest.raises(Nonsense, match=said):
        metadata.parsed(text)
