"""The paths of v1beta1 and who answers them."""

from __future__ import annotations

from collections.abc import Sequence

from sampan.services.pipelines.call import Row
from sampan.services.pipelines.v1beta1 import artifacts, experiments, jobs, pipelines, runs

ROWS: Sequence[Row] = (*experiments.ROWS, *pipelines.ROWS, *runs.ROWS, *artifacts.ROWS, *jobs.ROWS)
