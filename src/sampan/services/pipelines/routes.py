"""Routes: which function answers which path, below the product's own.

Each module has its rows; nothing is found out about a request here but the route.
"""

from __future__ import annotations

from sampan.services.pipelines import (
    about,
    artifacts,
    changing,
    experiments,
    lineage,
    logs,
    pipelines,
    recurring,
    runs,
    uploads,
    versions,
)
from sampan.services.pipelines.call import Handler
from sampan.services.pipelines.v1beta1 import paths
from sampan.services.table import Table

TABLE: Table[Handler] = Table(
    (
        *about.ROWS,
        *experiments.ROWS,
        *pipelines.ROWS,
        *versions.ROWS,
        *uploads.ROWS,
        *runs.ROWS,
        *changing.ROWS,
        *logs.ROWS,
        *artifacts.ROWS,
        *lineage.ROWS,
        *recurring.ROWS,
        *paths.ROWS,
    )
)
FOR_ANYBODY = (about.healthz,)
"""Who answers without knowing who asks."""
