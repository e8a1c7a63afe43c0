"""Before the walk: is the workflow sound, what do its variables stand for, what does it say whole.

    the spec was found -> valid (first look) -> variables -> own labels (first look) -> tags filled

Upstream: argo-workflows workflow/controller/operator.go setExecWorkflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from sampan.kinds.workflows.language import tags, variables
from sampan.kinds.workflows.language.arguments import Missing
from sampan.kinds.workflows.resolve import labels
from sampan.kinds.workflows.types import Run, spec_of
from sampan.kinds.workflows.validate import manifests


class Refused(Exception):
    """The workflow ends before it begins; the text says why, `phase` how."""

    def __init__(self, message: str, phase: str = "Failed") -> None:
        super().__init__(message)
        self.phase = phase


def begun(run: Run) -> tuple[Run, dict[str, Any]]:
    """The run as the walk may take it, and what `workflow.…` tags stand for. Raises Refused."""
    if run.fault:
        raise Refused(run.fault, "Error")
    if not run.phase:
        _validate(run)
    try:
        known = _known(run)
        if not run.phase:
            run = labels.begun(run, known)
            known = _known(run)
    except Missing as missing:
        raise Refused(f"failed to set global parameters: {missing}") from missing
    except labels.Wrong as wrong:
        raise Refused(str(wrong), "Error") from wrong
    if run.repository.fault:
        raise Refused(run.repository.fault, "Error")
    return _filled(run, known), known


def _validate(run: Run) -> None:
    written = {**run.manifest, "spec": run.own}
    found = manifests.problems(written, run.library, whole=run.manifest["spec"])
    if found:
        raise Refused(f"invalid spec: {found[0].message}")


def _known(run: Run) -> dict[str, Any]:
    return variables.of_workflow(run.manifest, run.manifest["spec"], run.configmaps)


def _filled(run: Run, known: Mapping[str, Any]) -> Run:
    """Tags of the workflow filled in its spec. Templates have theirs filled when they are run, and
    what is not known yet stays as it is: volumes may wait for outputs."""
    spec = run.manifest["spec"]
    outline = {field: value for field, value in spec.items() if field != "templates"}
    if next(tags.found_in(outline), None) is None:
        return run
    try:
        filled = tags.fill(outline, known)
    except Missing as missing:
        raise Refused(str(missing), "Error") from missing
    manifest = {**run.manifest, "spec": {**filled, "templates": spec.get("templates") or []}}
    return structs.replace(run, manifest=manifest, spec=spec_of(manifest))
