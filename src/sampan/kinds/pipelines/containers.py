"""A task with a program: asked for in the cache, else made a pod.

Upstream: backend/src/v2/driver/container.go.
"""

from __future__ import annotations

from typing import Any

from sampan.kinds.pipelines import attempts, caches, tasks
from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.kinds.pipelines.ir.resolve import Values
from sampan.kinds.pipelines.pods import claims
from sampan.kinds.pipelines.pods.about import Unbuildable, Work
from sampan.kinds.pipelines.tasks import Entry
from sampan.kinds.pipelines.walk import Call, Walk
from sampan.kube import launcher, lineage


class _Recipe:
    def work(self, walk: Walk, call: Call, inputs: Values, attempt: int) -> Work:
        return attempts.work_of(walk, call, walk.pipeline, call.definition(walk), inputs, attempt)

    def outputs(self, walk: Walk, call: Call, entry: Entry, result: launcher.Result) -> Values:
        declared = call.definition(walk).outputDefinitions.artifacts
        found: dict[str, tuple[dict[str, Any], ...]] = {}
        for key, listed in result.artifacts.items():
            definition = declared.get(key)
            kind = definition.artifactType if definition else None
            title = (kind.schemaTitle if kind else None) or launcher.ARTIFACT
            found[key] = tuple(_artifact(walk, title, each) for each in listed)
        return Values(result.parameters, found)


_RECIPE = _Recipe()


def begin(walk: Walk, call: Call, inputs: Values) -> None:
    if walk.is_full:
        return
    if walk.asking and not call.task.cachingOptions.enableCache:
        walk.begun += 1
        return
    more = tasks.with_inputs(inputs)
    try:
        work = _RECIPE.work(walk, call, inputs, attempts.first_of(walk, call))
        verdict = _consult(walk, call, work)
        if verdict is None:
            return
        more["cache"] = verdict.noted
        if verdict.hit is not None:
            walk.born(call, "CACHED", outputs=dict(verdict.hit.outputs), **more)
        elif not walk.asking:
            attempts.begin(walk, call, work, more)
    except (Unresolved, Unbuildable) as fault:
        walk.born(call, "FAILED", str(fault), **more)


def _consult(walk: Walk, call: Call, work: Work) -> caches.Verdict | None:
    container = walk.pipeline.container(work.component)
    if container is None:
        raise Unbuildable("the component has no program that could run here")
    about = attempts.about(walk, call, attempts.first_of(walk, call))
    settings = walk.pipeline.kubernetes_executor(work.component)
    mounted = sorted(claims.mounted(about, work, settings))
    return caches.consult(walk, call, container, work.inputs, mounted)


def look(walk: Walk, call: Call) -> None:
    attempts.look(walk, call, _RECIPE)


def _artifact(walk: Walk, title: str, made: launcher.Artifact) -> dict[str, Any]:
    noted: dict[str, Any] = {
        "id": lineage.artifact_id(walk.run.namespace, made.uri, made.digest),
        "name": made.name,
        "type": made.type or title,
        "uri": made.uri,
    }
    if made.metadata:
        noted["metadata"] = made.metadata
    more = {"digest": made.digest, "size": made.size}
    return noted | {key: value for key, value in more.items() if value}
