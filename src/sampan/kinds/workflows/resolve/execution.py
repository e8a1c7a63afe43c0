"""The spec that is run: the workflow's own over its WorkflowTemplate's over the defaults.

`see` answers with the Workflow as everything else may take it, its spec whole, and with what its
first write has to say besides the status. With a workflowTemplateRef the whole spec is stored in
the status when the workflow begins, and read from there; without one the defaults are written into
the spec, as upstream does. Upstream: argo-workflows workflow/controller/operator.go
setExecWorkflow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from sampan.kinds.workflows import settings
from sampan.kinds.workflows.resolve import join, references
from sampan.kinds.workflows.types import phase_of
from sampan.kube import names, patches
from sampan.kube.errors import BadRequest
from sampan.kube.keys import Manifest
from sampan.kube.plan import View

_MUST_REFER = "workflows must use workflowTemplateRef to be executed when the controller is in"
_MAY_SAY = frozenset({
    "arguments", "entrypoint", "shutdown", "suspend", "activeDeadlineSeconds", "priority",
    "ttlStrategy", "podGC", "volumeClaimGC", "archiveLogs", "workflowMetadata",
    "workflowTemplateRef", "metrics", "artifactGC",
})  # fmt: skip
"""What a workflow may say for itself where it has to use a template."""
_NOT_OF_GC = ("podMetadata", "podSpecPatch", "serviceAccountName")
_KEPT = ("suspend", "shutdown")
"""What may change while a workflow runs on a stored spec."""


class Execution(Struct, frozen=True, kw_only=True):
    """manifest: the Workflow with its whole spec. begins: a merge patch of the Workflow. library:
    WorkflowTemplates that may be needed. fault: why it cannot run at all."""

    manifest: Manifest
    begins: Mapping[str, Any] = {}
    library: references.Library = {}
    fault: str = ""


class _Wrong(Exception):
    """The workflow cannot be run; the text says why."""


def see(cluster: View, manifest: Manifest) -> Execution:
    phase = phase_of(manifest.get("status") or {})
    try:
        given = settings.read(cluster)
        spec, begins = _spec(cluster, manifest, given)
    except (settings.Mistake, _Wrong) as fault:
        return Execution(manifest=manifest, fault=str(fault))
    except BadRequest as fault:  # of the join: an item of a list has no name
        return Execution(manifest=manifest, fault=fault.message)
    about = manifest["metadata"]
    if not phase:
        begins = {**begins, "metadata": _metadata(manifest, spec, given)}
        about = {
            **about,
            **{k: {**(about.get(k) or {}), **v} for k, v in begins["metadata"].items()},
        }
    stored = (manifest.get("status") or {}).get("storedTemplates") or {}
    moving = references.moving(spec.get("templates") or (), stored.values())
    namespace = about.get("namespace") or ""
    return Execution(
        manifest={**manifest, "metadata": about, "spec": spec},
        begins=begins,
        library=references.library(cluster, namespace, spec, every=moving)
        if moving or not phase
        else {},
    )


def _spec(
    cluster: View, manifest: Manifest, given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The whole spec, and what has to be written so that it stays so. Raises _Wrong."""
    own, status = manifest["spec"], manifest.get("status") or {}
    defaults = (given.get("workflowDefaults") or {}).get("spec") or {}
    restriction = (given.get("workflowRestrictions") or {}).get("templateReferencing") or ""
    if not own.get("workflowTemplateRef"):
        if restriction:
            raise _Wrong(f"{_MUST_REFER} reference mode")
        if not defaults or phase_of(status):
            return own, {}
        spec = join.defaulted(own, defaults)
        return spec, {"spec": patches.diff(own, spec)}
    if restriction:
        _check(own)
        own = _allowed(own)
    stored = status.get("storedWorkflowTemplateSpec")
    if stored is not None and _same(own, stored) and restriction != "Secure":
        return stored, {}
    spec = join.joined(own, stored or _referred(cluster, manifest), defaults)
    if stored is not None and restriction == "Secure" and _same(own, stored):
        if join.joined(own, _referred(cluster, manifest), defaults) != stored:
            raise _Wrong(
                "WorkflowSpec may not change during execution when the controller is set"
                " `templateReferencing: Secure`"
            )
        return stored, {}
    return spec, {"status": {"storedWorkflowTemplateSpec": patches.diff(stored or {}, spec)}}


def _referred(cluster: View, manifest: Manifest) -> Mapping[str, Any]:
    """The spec of the WorkflowTemplate. Raises _Wrong."""
    home = references.home_of(manifest["spec"]["workflowTemplateRef"])
    found = references.fetch(cluster, manifest["metadata"].get("namespace") or "", home)
    if found is None:
        raise _Wrong(references.absent(home))
    spec: Mapping[str, Any] = found["spec"]
    return spec


def _same(own: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    return all(own.get(field) == stored.get(field) for field in _KEPT)


def _metadata(
    manifest: Manifest, spec: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    """Labels and annotations that come from the defaults and the reference."""
    own, found = manifest["metadata"], dict[str, dict[str, str]]()
    defaults = (given.get("workflowDefaults") or {}).get("metadata") or {}
    for field in ("labels", "annotations"):
        there = own.get(field) or {}
        found[field] = {k: v for k, v in (defaults.get(field) or {}).items() if k not in there}
    if reference := spec.get("workflowTemplateRef"):
        cluster = reference.get("clusterScope")
        label = names.LABEL_CLUSTER_WORKFLOW_TEMPLATE if cluster else names.LABEL_WORKFLOW_TEMPLATE
        found["labels"][label] = reference["name"]
    return {field: pairs for field, pairs in found.items() if pairs}


# -- restrictions: every workflow has to use a template -------------------------------------------
def _check(own: Mapping[str, Any]) -> None:
    if wrong := sorted(_forbidden(own)):
        raise _Wrong(
            f"fields [{' '.join(wrong)}] are not permitted when using workflowTemplateRef with"
            " templateReferencing restriction"
        )


def _forbidden(own: Mapping[str, Any]) -> Iterator[str]:
    for field, value in own.items():
        if field not in _MAY_SAY and value not in (None, "", [], {}):
            yield _as_go(field)
    for field in _NOT_OF_GC:
        if (own.get("artifactGC") or {}).get(field):
            yield f"ArtifactGC.{_as_go(field)}"


def _as_go(field: str) -> str:
    return field[:1].upper() + field[1:]


def _allowed(own: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in own.items() if field in _MAY_SAY}
