"""Whether a task has to run at all: the records are asked for an earlier execution.

A task asks when its inputs are known. It does not begin before there is an answer, and runs without
a word more where the records cannot give one. Upstream: backend/src/v2/driver/cache.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from sampan.kinds.pipelines.ir import fingerprint
from sampan.kinds.pipelines.ir.messages import Container
from sampan.kinds.pipelines.ir.resolve import Values
from sampan.kinds.pipelines.walk import Call, Walk
from sampan.kube.lineage import CacheQuestion, Hit, parts_of
from sampan.kube.plan import Unanswered


class Verdict(Struct, frozen=True, kw_only=True):
    """noted: `cache` of the task's entry. hit: what stands for a run of it."""

    noted: dict[str, Any] = {}
    hit: Hit | None = None


def consult(
    walk: Walk, call: Call, container: Container, inputs: Values, pvcs: Sequence[str]
) -> Verdict | None:
    """None while the answer is not known. ir.faults.Unresolved."""
    if not call.task.cachingOptions.enableCache:
        return Verdict(noted={"why": "not cached because caching is off for this task"})
    found = fingerprint.of(
        call.name, call.task, call.definition(walk), container, inputs, walk.facts, pvcs
    )
    noted = {"fingerprint": found.value, "parts": found.parts}
    answer = walk.ask(
        CacheQuestion(
            namespace=walk.run.namespace,
            pipeline=walk.pipeline.name,
            task_name=call.name,
            fingerprint=found.value,
            parts=parts_of(found.parts),
        )
    )
    if answer is None:
        return None
    if isinstance(answer, Unanswered):
        return Verdict(noted={**noted, "why": f"not cached because {answer.message}"})
    if answer.hit is None:
        return Verdict(noted={**noted, "why": answer.why})
    source = {"runId": answer.hit.run_id, "taskId": answer.hit.task_id}
    return Verdict(noted={**noted, "from": source}, hit=answer.hit)
