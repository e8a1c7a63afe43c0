"""Versions of pipelines, as those look for them who run one: by the name of its pipeline, and the
latest one where none is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sampan.kube import names, runs
from sampan.kube.keys import Manifest
from sampan.kube.plan import View


def pipeline_of(version: Manifest) -> str:
    """The name of its pipeline."""
    return str((version.get("spec") or {}).get("pipelineName") or "")


def latest_of(view: View, namespace: str, pipeline: str) -> Manifest | None:
    every = view.select(names.PIPELINE_VERSION, namespace)
    return _latest(each for each in every if pipeline_of(each) == pipeline)


def _latest(versions: Iterable[Manifest]) -> Manifest | None:
    """The version that was made last; of the same moment, what was written last."""

    def made(version: Manifest) -> tuple[datetime, int]:
        revision = str(version["metadata"].get("resourceVersion") or "")
        return runs.made_at(version), int(revision) if revision.isdecimal() else 0

    return max(versions, key=made, default=None)
