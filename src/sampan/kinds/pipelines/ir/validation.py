"""Whether two documents are a pipeline that can run here; the one way to a `Pipeline`.

First that they are messages at all (`decoding`), then the rules of upstream's template, then of its
compiler for each component that the root leads to, then ours: no component within itself, no cycle
of tasks, no pipeline that unfolds to more than `MOST_TASKS`. What only a run can know (an input
that the DAG was not given, an expression that is no CEL) fails a task then.
Upstream: backend/src/apiserver/template/v2_template.go, backend/src/v2/compiler.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import msgspec

from sampan.kinds.pipelines.ir import graphs, unheeded
from sampan.kinds.pipelines.ir.decoding import decode
from sampan.kinds.pipelines.ir.faults import Invalid
from sampan.kinds.pipelines.ir.kubernetes import ExecutorConfig
from sampan.kinds.pipelines.ir.messages import Component, PipelineSpec, PlatformSpec, RetryPolicy
from sampan.kinds.pipelines.ir.pipeline import ROOT, Graph, Pipeline

SCHEMA_VERSION = "2.1.0"
DEEPEST = 40
"""DAGs within DAGs. The SDK nests as deep as its user wrote loops and conditions."""
MOST_TASKS = 100_000
"""Tasks of a pipeline when each DAG is written out; loops count once."""
REMEMBERED = 16_000_000
"""Bytes, as JSON, of the pipelines that are not read again."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_INVALID = "invalid v2 pipeline spec"
_known: OrderedDict[bytes, Pipeline] = OrderedDict()
"""The latest ones last."""
_knowing = threading.Lock()
"""Uploads are read in threads of their own."""


def validate(spec: Mapping[str, Any], platform: Mapping[str, Any] | None = None) -> Pipeline:
    """The pipeline. Raises Invalid with the place. Cheap when asked again about the same."""
    try:
        key = msgspec.json.encode((spec, platform))
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        raise Invalid(f"{_INVALID}: no JSON: {error}") from None
    with _knowing:
        if key in _known:
            _known.move_to_end(key)
            return _known[key]
    made = _checked(spec, platform or {})
    with _knowing:
        _known[key] = made
        size = sum(map(len, _known))
        while size > REMEMBERED and len(_known) > 1:
            size -= len(_known.popitem(last=False)[0])
    return made


def _checked(spec: Mapping[str, Any], platform: Mapping[str, Any]) -> Pipeline:
    try:
        read = decode(PipelineSpec, spec)
    except Invalid as error:
        raise Invalid(f"{_INVALID}: {error.message}") from None
    try:
        settings = decode(PlatformSpec, platform)
        executors = _executors(settings)
    except Invalid as error:
        raise Invalid(
            f"invalid platform spec: cannot unmarshal platform specific configs: {error.message}"
        ) from None
    _check_header(read)
    idle = unheeded.places(spec, platform, executors)
    return Pipeline(read, settings, _Walk(read).graphs(), executors, idle)


def _executors(platform: PlatformSpec) -> Mapping[str, ExecutorConfig]:
    """What kfp-kubernetes says, by executor label."""
    path = "platforms.kubernetes.deploymentSpec.executors"
    kubernetes = platform.platforms.get("kubernetes")
    listed = kubernetes.deploymentSpec.executors if kubernetes else {}
    return {
        label: decode(ExecutorConfig, raw or {}, f"{path}.{label}") for label, raw in listed.items()
    }


def _check_header(spec: PipelineSpec) -> None:
    if spec.schemaVersion != SCHEMA_VERSION:
        raise Invalid(
            f"KFP only supports schema version {SCHEMA_VERSION}, "
            f"but the pipeline spec has version {spec.schemaVersion}"
        )
    if not spec.pipelineInfo.name:
        raise Invalid(f"{_INVALID}: name is empty")
    if not _NAME.search(spec.pipelineInfo.name):
        raise Invalid(
            f"{_INVALID}: name should consist of lower case alphanumeric characters, '-' or '.', "
            "and must start and end with an alphanumeric character"
        )
    if spec.root is None:
        raise Invalid(f"{_INVALID}: root component is empty")


class _Walk:
    """From the root down, each component once."""

    def __init__(self, spec: PipelineSpec) -> None:
        self._spec = spec
        self._graphs: dict[str, Graph] = {}
        self._sizes: dict[str, int] = {}
        self._above: list[str] = []

    def graphs(self) -> Mapping[str, Graph]:
        assert self._spec.root is not None
        self._visit(ROOT, self._spec.root)
        return self._graphs

    def _visit(self, name: str, component: Component, policy: RetryPolicy | None = None) -> int:
        """How many tasks it unfolds to. policy: of the task that calls it, which is that of the
        tasks in it that have none; of several such tasks the first one's, as upstream."""
        if name in self._above or len(self._above) > DEEPEST:
            chain = " -> ".join((each or "root") for each in (*self._above[-5:], name))
            fault = "contains itself" if name in self._above else f"is deeper than {DEEPEST} DAGs"
            raise Invalid(f"{_INVALID}: component {_named(name)} {fault}: {chain}")
        if name not in self._sizes:
            self._above.append(name)
            try:
                self._sizes[name] = self._size(name, component, policy)
            except Invalid as error:
                if error.message.startswith((_INVALID, "error processing")):
                    raise
                fault = f"error processing component name={_named(name)}: {error.message}"
                raise Invalid(fault) from None
            self._above.pop()
        return self._sizes[name]

    def _size(self, name: str, component: Component, policy: RetryPolicy | None) -> int:
        if component.executorLabel:
            self._check_executor(component.executorLabel)
            return 0
        if component.dag is None:
            raise Invalid("unknown component implementation: neither dag nor executorLabel")
        self._graphs[name] = graph = graphs.of(component.dag, policy)
        size = 0
        for key, task in sorted(graph.tasks.items()):
            child = task.componentRef.name
            if not child:
                raise Invalid(f"component ref name is empty for task name={_named(key)}")
            if child not in self._spec.components:
                raise Invalid(f"cannot find component ref name={_named(child)}")
            size += 1 + self._visit(child, self._spec.components[child], task.retryPolicy)
            self._check_condition(key, child, bool(task.triggerPolicy.condition))
            if size > MOST_TASKS:
                raise Invalid(f"unfolds to more than {MOST_TASKS} tasks")
        return size

    def _check_executor(self, label: str) -> None:
        executor = self._spec.deploymentSpec.executors.get(label)
        if executor is None:
            raise Invalid(f"executor(label={_named(label)}) not found in deployment config")
        if executor.resolver is not None:
            raise Invalid(f"executor(label={_named(label)}): resolver executors not implemented")
        if executor.customJob is not None:
            raise Invalid(
                f"executor(label={_named(label)}): "
                "custom job executors is Google Cloud only, it's not supported"
            )
        if executor.container is None and executor.importer is None:
            raise Invalid(
                f"executor(label={_named(label)}): "
                "non-container and non-importer executor not implemented"
            )
        if executor.container is not None and not executor.container.image:
            raise Invalid(f"executor(label={_named(label)}): the container has no image")

    def _check_condition(self, key: str, child: str, conditional: bool) -> None:
        label = self._spec.components[child].executorLabel or ""
        executor = self._spec.deploymentSpec.executors.get(label)
        if conditional and executor is not None and executor.importer is not None:
            raise Invalid(
                f"compiling task {_named(key)}: "
                "triggerPolicy.condition on importer task is not supported"
            )


def _named(text: str) -> str:
    return f'"{text or "root"}"'
