"""`workflowMetadata`: labels and annotations that a workflow gives itself when it begins.

Labels may be expressions over the workflow's variables. What is given here is seen by all tags.
Upstream: argo-workflows workflow/controller/operator.go updateWorkflowMetadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from sampan.kinds.workflows.language import expressions
from sampan.kinds.workflows.language.faults import Missing
from sampan.kinds.workflows.types import Run
from sampan.kube import formats


class Wrong(Exception):
    """A label cannot be given; the text says why."""


def begun(run: Run, known: Mapping[str, Any]) -> Run:
    """The run with its metadata, which its first write says too. Raises Wrong."""
    about = run.manifest["spec"].get("workflowMetadata") or {}
    given = {
        "labels": {**_fixed(about), **_reckoned(about, known)},
        "annotations": dict(about.get("annotations") or {}),
    }
    given = {field: pairs for field, pairs in given.items() if pairs}
    if not given:
        return run
    own, first = run.manifest["metadata"], run.begins.get("metadata") or {}
    return structs.replace(
        run,
        manifest={**run.manifest, "metadata": _joined(own, given)},
        begins={**run.begins, "metadata": _joined(first, given)},
    )


def _joined(metadata: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    new = {field: {**(metadata.get(field) or {}), **pairs} for field, pairs in given.items()}
    return {**metadata, **new}


def _fixed(about: Mapping[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = about.get("labels") or {}
    for name, value in labels.items():
        if fault := formats.label_value(value):
            raise Wrong(f'invalid label value "{value}" for label "{name}": {fault}')
    return labels


def _reckoned(about: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name, source in (about.get("labelsFrom") or {}).items():
        text = source.get("expression") or ""
        try:
            value = expressions.evaluate(text, known)
        except Missing as missing:
            why = f'failed to evaluate label "{name}" expression "{text}": {missing}'
            raise Wrong(why) from missing
        if not isinstance(value, str):
            why = f'"{text}" evaluted to {type(value).__name__} but must be a string'
            raise Wrong(f'failed to evaluate label "{name}" expression {why}')
        if fault := formats.label_value(value):
            where = f'for label "{name}" and expression "{text}"'
            raise Wrong(f'invalid label value "{value}" {where}: {fault}')
        found[name] = value
    return found
