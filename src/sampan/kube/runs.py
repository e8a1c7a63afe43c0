"""Runs of pipelines: the words that their controller, the records, the API and clients share.

A run is a Run, or a Workflow of the API's first version. What may follow which state is the
controller's business (`kinds.pipelines.tasks`).
Upstream: kubeflow/pipelines backend/api/v2beta1/run.proto.
"""

from __future__ import annotations

from datetime import datetime

from sampan.kube import labels, meta, names
from sampan.kube.keys import Manifest
from sampan.kube.times import parse

ENDS = frozenset({"SUCCEEDED", "FAILED", "SKIPPED", "CANCELED"})
"""States from which only a retry leads on."""
UNDONE = frozenset({"FAILED", "CANCELED"})
"""Ends from which one does."""
AVAILABLE, ARCHIVED = "AVAILABLE", "ARCHIVED"
"""Where a run or an experiment is kept."""


def id_of(run: Manifest) -> str:
    """The run_id, by which all but the cluster know it."""
    return labels.of(run).get(names.LABEL_RUN_ID) or meta.uid_of(run)


def made_at(manifest: Manifest) -> datetime:
    """When an object of pipelines was made, with the fraction of a second where it is known: that
    tells which version of a pipeline is the latest."""
    exact = meta.annotations_of(manifest).get(names.ANNOTATION_CREATED_AT)
    whole = manifest["metadata"]["creationTimestamp"]
    try:
        return parse(exact or whole)
    except (ValueError, OverflowError):
        return parse(whole)
