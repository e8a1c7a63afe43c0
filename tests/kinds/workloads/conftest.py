"""Manifests of workloads, and a toy cluster that runs them."""

from __future__ import annotations

import pytest

from kinds.toy import Toy
from sampan.kinds.workloads import COMPONENT


@pytest.fixture
def toy() -> Toy:
    return Toy(COMPONENT)
