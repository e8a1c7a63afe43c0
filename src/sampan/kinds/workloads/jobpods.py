"""Which pods a Job wants next, and what they look like."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from sampan.kinds.workloads import jobfailures, pods
from sampan.kinds.workloads.jobs import Run, index_of
from sampan.kinds.workloads.tally import Tally
from sampan.kinds.workloads.types import Pod
from sampan.kube import meta, names
from sampan.kube.keys import Manifest


def wanted(run: Run, count: Tally) -> int:
    """How many pods should be active."""
    if run.spec.completions is None:  # a queue of work: the first success says that it is empty
        return len(_running(run)) if count.succeeded else run.spec.parallelism
    left = run.spec.completions - count.succeeded - len(count.lost)
    return min(run.spec.parallelism, max(0, left))


def missing(run: Run, count: Tally) -> tuple[list[Manifest], float | None]:
    """The pods to start now, and the seconds until those can be started that have to wait."""
    places = wanted(run, count) - len(_held(run))
    if places <= 0:
        return [], None
    taken = {pod.name for pod in run.pods} | {meta.name_of(pod) for pod in run.strays}
    if run.spec.backoffLimitPerIndex is None and (wait := jobfailures.backoff(run, run.pods)) > 0:
        return [], wait
    if run.spec.indexed:
        return _missing_indexes(run, count, places, taken)
    chosen = islice(pods.spare_names(run.manifest, run.now, taken), min(places, pods.BURST))
    return [_tracked(pods.build(run.manifest, run.spec.template, name)) for name in chosen], None


def _missing_indexes(
    run: Run, count: Tally, places: int, taken: set[str]
) -> tuple[list[Manifest], float | None]:
    busy = {index_of(pod) for pod in _held(run)} | count.completed | count.lost
    free: list[int] = []
    waits: list[float] = []
    for index in range(run.spec.completions or 0):
        if len(free) >= min(places, pods.BURST):
            break
        if index in busy:
            continue
        state = count.troubled.get(index)
        wait = jobfailures.backoff(run, [state.last], state.failures) if state and state.last else 0
        if wait > 0:
            waits.append(wait)
        else:
            free.append(index)
    return [_indexed(run, count, index, taken) for index in free], min(waits, default=None)


def spare(run: Run, count: Tally) -> list[Pod]:
    """The pods to stop now: too many, or for an index that is done, doubled or out of range."""
    active = _running(run)
    if not run.spec.indexed:
        return pods.surplus(active, max(0, len(active) - wanted(run, count)))
    useless, seen = [], {*count.completed, *count.lost}
    for pod in active:
        index = index_of(pod)
        if index is None or index in seen or index >= (run.spec.completions or 0):
            useless.append(pod)
        else:
            seen.add(index)
    useful = [pod for pod in active if pod not in useless]
    return useless + pods.surplus(useful, max(0, len(useful) - wanted(run, count)))


def _running(run: Run) -> list[Pod]:
    return [pod for pod in run.pods if pod.active]


def _held(run: Run) -> list[Pod]:
    """The pods that hold a place: with podReplacementPolicy Failed also those on their way out."""
    if run.spec.patient:
        return [pod for pod in run.pods if not pod.ended]
    return _running(run)


def _tracked(pod: Manifest) -> Manifest:
    """The pod stays until it has been counted."""
    others = pod["metadata"].get("finalizers") or []
    pod["metadata"]["finalizers"] = [*others, names.FINALIZER_JOB]
    return pod


def _indexed(run: Run, count: Tally, index: int, taken: Iterable[str]) -> Manifest:
    base, text = f"{meta.name_of(run.manifest)}-{index}", str(index)
    name = next(pods.spare_names(run.manifest, run.now, set(taken), base=base))
    notes = {names.LABEL_COMPLETION_INDEX: text}
    if run.spec.backoffLimitPerIndex is not None:
        state = count.troubled.get(index)
        notes[names.ANNOTATION_INDEX_FAILURES] = str(state.failures if state else 0)
    pod = pods.build(
        run.manifest,
        run.spec.template,
        name,
        labels={names.LABEL_COMPLETION_INDEX: text},
        annotations=notes,
    )
    spec: dict[str, Any] = {**pod["spec"]}
    spec.setdefault("hostname", base)
    for field in ("initContainers", "containers"):
        if spec.get(field):
            spec[field] = [_told_index(container) for container in spec[field]]
    pod["spec"] = spec
    return _tracked(pod)


def _told_index(container: dict[str, Any]) -> dict[str, Any]:
    name = "JOB_COMPLETION_INDEX"
    if any(each.get("name") == name for each in container.get("env") or ()):
        return container
    field = {
        "apiVersion": "v1",
        "fieldPath": f"metadata.annotations['{names.LABEL_COMPLETION_INDEX}']",
    }
    variable = {"name": name, "valueFrom": {"fieldRef": field}}
    return {**container, "env": [*(container.get("env") or ()), variable]}
