"""Seeing a run: its documents, its pods, and what may be asked before anything is decided.

Only pods and claims of tasks that go on are read, by their names: what is over says nothing new.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kinds.pipelines import tasks, versions
from sampan.kinds.pipelines.ir import locations, validation
from sampan.kinds.pipelines.ir.faults import Invalid
from sampan.kinds.pipelines.ir.pipeline import Pipeline
from sampan.kinds.pipelines.ir.resolve import RunFacts
from sampan.kinds.pipelines.pods import naming
from sampan.kinds.pipelines.snapshot import Run
from sampan.kube import launcher, meta, names, runs
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import View

Documents = tuple[Mapping[str, Any], Mapping[str, Any]]


def see(view: View, key: Key, manifest: Manifest) -> Run:
    """Invalid: the run can never begin."""
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    written, platform, copied = _documents(view, manifest)
    pipeline = validation.validate(written, platform)
    entries: Mapping[str, Any] = status.get("tasks") or {}
    pods: dict[str, Manifest] = {}
    claims: dict[str, Manifest] = {}
    for path, entry in entries.items():
        if entry["state"] in tasks.ENDS:
            continue
        if entry["state"] not in tasks.GOING:
            raise Invalid(f"status.tasks[{path!r}].state: {entry['state']!r} is no state of a task")
        if name := entry.get("pod"):
            _read(view, Key(names.POD, key.namespace, name), path, pods)
        elif name := entry.get("claim"):
            _read(view, Key(names.PERSISTENT_VOLUME_CLAIM, key.namespace, name), path, claims)
    stops = bool(spec.get("terminate")) or _is_late(pipeline, status, view)
    return Run(
        manifest=manifest,
        pipeline=pipeline,
        facts=_facts(view, manifest),
        now=view.now(),
        pods=pods,
        claims=claims,
        strays=tuple(_strays(view, manifest, pods)) if stops else (),
        copied=copied,
    )


def _read(view: View, key: Key, path: str, found: dict[str, Manifest]) -> None:
    manifest = view.get(key)
    if manifest is not None:
        found[path] = manifest


def deadline_of(pipeline: Pipeline) -> int:
    """Seconds; 0: none."""
    return max(pipeline.config.activeDeadlineSeconds, 0)


def _is_late(pipeline: Pipeline, status: Mapping[str, Any], view: View) -> bool:
    seconds, began = deadline_of(pipeline), status.get("startedAt")
    return bool(seconds and began and tasks.age(began, view.now()) >= seconds)


def _strays(view: View, manifest: Manifest, pods: Mapping[str, Manifest]) -> Iterator[Manifest]:
    """Pods that were made by a look whose status was never written."""
    known = {meta.name_of(pod) for pod in pods.values()}
    mine = {"matchLabels": {names.LABEL_RUN: naming.label(meta.name_of(manifest))}}
    for pod in view.select(names.POD, meta.namespace_of(manifest), mine):
        phase = (pod.get("status") or {}).get("phase")
        ended = phase in ("Succeeded", "Failed")
        if not ended and meta.name_of(pod) not in known and meta.is_controlled_by(pod, manifest):
            yield pod


# -- documents ------------------------------------------------------------------------------------
def _documents(
    view: View, manifest: Manifest
) -> tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]:
    """The IR, what it says of platforms, and what of them the status has to keep."""
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    if spec.get("pipelineSpec") is not None:
        return spec["pipelineSpec"], spec.get("platformSpec") or {}, {}
    if status.get("pipelineSpec") is not None:
        return status["pipelineSpec"], status.get("platformSpec") or {}, {}
    reference = spec.get("pipelineRef") or {}
    version = _version(view, meta.namespace_of(manifest), reference)
    body = version.get("spec") or {}
    written, platform = body.get("pipelineSpec"), body.get("platformSpec") or {}
    if not isinstance(written, dict):
        raise Invalid(f"PipelineVersion {meta.name_of(version)} has no pipelineSpec")
    copied = {"pipelineSpec": written, **({"platformSpec": platform} if platform else {})}
    return written, platform, copied


def _version(view: View, namespace: str, reference: Mapping[str, Any]) -> Manifest:
    pipeline, name = reference.get("pipeline") or "", reference.get("version") or ""
    if not pipeline and not name:
        raise Invalid("spec: pipelineSpec or pipelineRef is required")
    if name:
        found = view.get(Key(names.PIPELINE_VERSION, namespace, name))
        if found is None or (pipeline and versions.pipeline_of(found) != pipeline):
            of = f" of pipeline {pipeline}" if pipeline else ""
            raise Invalid(f"spec.pipelineRef.version: there is no version {name}{of}")
        return found
    latest = versions.latest_of(view, namespace, pipeline)
    if latest is None:
        raise Invalid(f"spec.pipelineRef.pipeline: there is no version of pipeline {pipeline}")
    return latest


# -- facts ----------------------------------------------------------------------------------------
def _facts(view: View, manifest: Manifest) -> RunFacts:
    spec, about = manifest.get("spec") or {}, manifest["metadata"]
    root = (spec.get("runtimeConfig") or {}).get("pipelineRoot")
    if not root:
        place = Key(names.CONFIG_MAP, meta.namespace_of(manifest), launcher.CONFIG)
        root = ((view.get(place) or {}).get("data") or {}).get("defaultPipelineRoot")
    root = root or launcher.DEFAULT_ROOT
    locations.check_root(root)
    created = about.get("creationTimestamp") or ""
    return RunFacts(
        id=runs.id_of(manifest),
        name=about["name"],
        display_name=spec.get("displayName") or about["name"],
        pipeline_root=root,
        created=created,
        scheduled=spec.get("scheduledAt") or created,
    )
