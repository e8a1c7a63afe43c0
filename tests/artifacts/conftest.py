"""Servers that artifacts come from and go to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from artifacts.makers import Namespaced
from s3 import PROGRAM, S3
from sampan.artifacts import Artifacts


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    if not PROGRAM.exists():
        pytest.skip("make setup has not made .venvs/moto")
    with S3() as found:
        found.put("bucket")
        yield found


@pytest.fixture
def artifacts(tmp_path: Path) -> Namespaced:
    return Namespaced(Artifacts(tmp_path / "repository"))
