"""pip as Sampan runs it for itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nodes.lightweight import standin
from sampan.nodes import wheels


@pytest.mark.slow
@pytest.mark.parametrize("python", [wheels.OURS, "3.99"])
def test_a_wheel_is_unpacked(python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with standin.index(toy={"toy.py": ""}) as index:
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        words = ("install", "--target", str(tmp_path / "site"), "toy")
        asyncio.run(wheels.pip(*words, python=python))
    assert (tmp_path / "site" / "toy.py").exists()


def test_what_pip_says_last_is_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(wheels.Unavailable, match="No matching distribution found for nonesuch"):
        asyncio.run(wheels.pip("download", "--dest", str(tmp_path), "nonesuch"))


def test_pip_has_no_longer_than_it_is_given(tmp_path: Path) -> None:
    with pytest.raises(wheels.Unavailable, match="not ready after 0 s"):
        asyncio.run(wheels.pip("download", "--dest", str(tmp_path), "x", patience=0.01))
