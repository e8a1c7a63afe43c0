"""Which nodes take a task: selector, tolerations, affinities.

Each may be written out, or come as a whole from an input, in Kubernetes' own form; of optional
inputs that were not given nothing is set.
Upstream: backend/src/v2/driver/k8s.go extendPodSpecPatch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kinds.pipelines.ir.kubernetes import (
    ExecutorConfig,
    NodeAffinityTerm,
    PodAffinityTerm,
    SelectorRequirement,
    Toleration,
)
from sampan.kinds.pipelines.ir.messages import ParameterSource
from sampan.kinds.pipelines.pods.about import Unbuildable
from sampan.kinds.pipelines.pods.draft import Draft

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def place(draft: Draft, config: ExecutorConfig) -> None:
    if (selector := _selector(draft, config)) is not None:
        draft.put("KUBERNETES_NODE_SELECTOR", "nodeSelector", selector)
    tolerations = [found for each in config.tolerations for found in _tolerations(draft, each)]
    if tolerations:
        draft.put("KUBERNETES_TOLERATIONS", "tolerations", tolerations)
    affinity = _node_affinity(draft, config.nodeAffinity) | _pod_affinity(config.podAffinity)
    if affinity:
        draft.put("KUBERNETES_AFFINITY", "affinity", affinity)


def _selector(draft: Draft, config: ExecutorConfig) -> Mapping[str, Any] | None:
    if config.nodeSelector is None:
        return None
    if config.nodeSelector.nodeSelectorJson is None:
        return config.nodeSelector.labels
    found = _struct(draft, config.nodeSelector.nodeSelectorJson, "node selector")
    if found and not all(isinstance(value, str) for value in found.values()):
        raise Unbuildable("failed to resolve node selector: its values have to be strings")
    return found


def _tolerations(draft: Draft, wanted: Toleration) -> Iterator[Any]:
    if wanted.tolerationJson is None:
        yield _given(
            key=wanted.key,
            operator=wanted.operator,
            value=wanted.value,
            effect=wanted.effect,
            tolerationSeconds=wanted.tolerationSeconds,
        )
        return
    found = draft.value(wanted.tolerationJson, "toleration")
    if found is None or found == {}:
        return
    listed = found if isinstance(found, list) else [found]
    if not all(isinstance(each, dict) for each in listed):
        raise Unbuildable(
            "encountered unexpected toleration proto value, must be either struct or list type"
        )
    yield from listed


def _node_affinity(draft: Draft, terms: list[NodeAffinityTerm]) -> dict[str, Any]:
    required: list[Any] = []
    preferred: list[Any] = []
    for term in terms:
        if term.nodeAffinityJson is not None:
            found = _struct(draft, term.nodeAffinityJson, "node affinity json") or {}
            required += _part(_part(found, _REQUIRED, {}), "nodeSelectorTerms", [])
            preferred += _part(found, _PREFERRED, [])
            continue
        chosen = _given(
            matchExpressions=_requirements(term.matchExpressions),
            matchFields=_requirements(term.matchFields),
        )
        if not chosen:
            continue
        if term.weight is None:
            required.append(chosen)
        else:
            preferred.append({"weight": term.weight, "preference": chosen})
    rules = _given(
        **{_REQUIRED: {"nodeSelectorTerms": required} if required else None, _PREFERRED: preferred}
    )
    return {"nodeAffinity": rules} if rules else {}


def _pod_affinity(terms: list[PodAffinityTerm]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for term in terms:
        rules = found.setdefault("podAntiAffinity" if term.anti else "podAffinity", {})
        chosen = _given(
            labelSelector=_given(
                matchLabels=term.matchPodLabels,
                matchExpressions=_requirements(term.matchPodExpressions),
            ),
            topologyKey=term.topologyKey,
            namespaces=term.namespaces,
            namespaceSelector=_given(
                matchLabels=term.matchNamespaceLabels,
                matchExpressions=_requirements(term.matchNamespaceExpressions),
            ),
        )
        if term.weight is None:
            rules.setdefault(_REQUIRED, []).append(chosen)
        else:
            entry = {"weight": term.weight, "podAffinityTerm": chosen}
            rules.setdefault(_PREFERRED, []).append(entry)
    return found


def _requirements(listed: list[SelectorRequirement]) -> list[dict[str, Any]]:
    return [_given(key=each.key, operator=each.operator, values=each.values) for each in listed]


def _struct(draft: Draft, source: ParameterSource, what: str) -> dict[str, Any] | None:
    found = draft.value(source, what)
    if found is not None and not isinstance(found, dict):
        raise Unbuildable(f"failed to resolve {what}: expected a struct")
    return found


def _part(found: dict[str, Any], name: str, empty: Any) -> Any:
    part = found.get(name) or empty
    if type(part) is not type(empty):
        raise Unbuildable(f"failed to unmarshal node affinity json: {name} is of another type")
    return part


def _given(**fields: Any) -> dict[str, Any]:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}
