"""The workspace of a run: a claim that its tasks share, mounted where one of them asks for it.

Asked for it is by an input that has the workspace's path in it (`dsl.WORKSPACE_PATH_PLACEHOLDER`),
or by an artifact that an importer put there. The claim belongs to the Run and goes with it.
Upstream: backend/src/v2/compiler/argocompiler/argo.go GetWorkspacePVC, backend/src/v2/driver/
driver.go needsWorkspaceMount.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.pipelines.ir.messages import PipelineConfig, Workspace
from sampan.kinds.pipelines.pods.about import Unbuildable
from sampan.kinds.pipelines.pods.draft import Draft
from sampan.kube import launcher, meta, quantities
from sampan.kube.keys import Manifest

VOLUME = "kfp-workspace"
_PATCHABLE = ("accessModes", "storageClassName")


def claim(run: Manifest, config: PipelineConfig) -> Manifest | None:
    """The claim that a run needs before its tasks; None when the pipeline has no workspace.
    Unbuildable."""
    if config.workspace is None:
        return None
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": claim_name(run),
            "namespace": run["metadata"]["namespace"],
            "ownerReferences": [meta.controlled_by(run)],
        },
        "spec": _spec(config.workspace),
    }


def claim_name(run: Manifest) -> str:
    return f"{run['metadata']['name']}-{VOLUME}"


def _spec(workspace: Workspace) -> dict[str, Any]:
    patch = workspace.kubernetes.pvcSpecPatch if workspace.kubernetes else {}
    if unknown := [name for name in patch if name not in _PATCHABLE]:
        raise Unbuildable(f"unknown fields in PVC spec patch: [{' '.join(unknown)}]")
    if not workspace.size:
        raise Unbuildable("workspace size is required but not specified")
    modes = patch.get("accessModes", ["ReadWriteOnce"])
    if not modes or not isinstance(modes, list):
        raise Unbuildable("workspace PVC spec must specify accessModes")
    if patch.get("storageClassName") == "":
        raise Unbuildable(
            "workspace PVC spec storageClassName must be omitted or set to a non-empty value"
        )
    try:
        negative = quantities.parse(workspace.size) < 0
    except ValueError as error:
        raise Unbuildable(f"invalid size value for workspace PVC: {error}") from None
    if negative:
        raise Unbuildable(f"negative size value for workspace PVC: {workspace.size}")
    return {**patch, "accessModes": modes, "resources": {"requests": {"storage": workspace.size}}}


def is_needed(executor_input: Mapping[str, Any]) -> bool:
    """Whether a task has to see the workspace."""
    inputs = executor_input["inputs"]
    for value in (inputs.get("parameterValues") or {}).values():
        if isinstance(value, str) and launcher.WORKSPACE in value:
            return True
    for listed in (inputs.get("artifacts") or {}).values():
        for artifact in (listed.get("artifacts") or ())[:1]:
            if (artifact.get("metadata") or {}).get(launcher.IN_WORKSPACE) is True:
                return True
    return False


def mount(draft: Draft) -> None:
    """The workspace, if the task needs it. Unbuildable."""
    if not is_needed(draft.work.executor_input):
        return
    if draft.work.pipeline.config.workspace is None:
        raise Unbuildable(
            f"the task uses the workspace ({launcher.WORKSPACE}), and the pipeline has none: give "
            "it a dsl.PipelineConfig with a workspace"
        )
    source = {"persistentVolumeClaim": {"claimName": claim_name(draft.about.run)}}
    draft.mount(VOLUME, source, {"mountPath": launcher.WORKSPACE})


def guard(draft: Draft) -> None:
    """Unbuildable where a task that needs the workspace has something else in its place."""
    if not is_needed(draft.work.executor_input):
        return
    own = draft.volume(VOLUME)
    for each in draft.main.get("volumeMounts") or ():
        inside = f"{each['mountPath']}/".startswith(f"{launcher.WORKSPACE}/")
        if inside and each["name"] != own:
            raise Unbuildable(
                f"failed to validate volume mounts: user volume mount at {each['mountPath']} "
                f"conflicts with workspace mount at {launcher.WORKSPACE}"
            )
