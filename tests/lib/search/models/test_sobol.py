from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import qmc

from sampan.lib.search.models import sobol


@pytest.mark.parametrize("axes", [1, 2, 7, 300])
def test_points_are_those_of_a_known_implementation(axes: int) -> None:
    theirs = qmc.Sobol(axes, scramble=False).random(64)
    ours = np.array([sobol.point(number, axes) for number in range(64)])
    assert (ours == theirs).all()


def test_there_are_as_many_axes_as_direction_numbers() -> None:
    assert sobol.MOST_AXES == qmc.Sobol.MAXDIM
    last = qmc.Sobol(sobol.MOST_AXES, scramble=False).fast_forward(1000).random(1)[0]
    assert (sobol.point(1000, sobol.MOST_AXES) == last).all()


def test_a_search_loads_no_statistics() -> None:
    program = (
        "import sys, sampan.lib.search.algorithms.sobol as s; "
        "s.sobol.point(1, 3); print(*(each for each in sys.modules if 'scipy' in each))"
    )
    said = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)
    assert said.stdout.strip() == b""
