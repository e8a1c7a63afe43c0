"""RuntimeClass: its handler, and what it adds to the pods that name it.

There is one way to run a pod here, whatever a class says (the pod's writer is warned), but its
overhead counts, and its nodes are the only ones.
Upstream: kubernetes plugin/pkg/admission/runtimeclass, pkg/apis/node/validation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kube import formats, names, quantities
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, invalid
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import View


def validate_runtime(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    found = []
    handler = manifest.get("handler") or ""
    if fault := formats.dns_label(handler):
        found.append(invalid("handler", handler, fault))
    if old is not None and handler != old.get("handler"):
        found.append(invalid("handler", handler, "field is immutable"))
    found += _overhead((manifest.get("overhead") or {}).get("podFixed") or {})
    return found


def fill(view: View, pod: Manifest) -> str:
    """Give the pod what its class adds, in place; answers with why it is refused, or ""."""
    spec = pod["spec"]
    name, given = spec.get("runtimeClassName") or "", spec.get("overhead") or {}
    chosen = view.get(Key(names.RUNTIME_CLASS, "", name)) if name else None
    if name and chosen is None:
        return f'pod rejected: RuntimeClass "{name}" not found'
    fixed = ((chosen or {}).get("overhead") or {}).get("podFixed") or {}
    if given and not fixed:
        return "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
    if given and _numbers(given) != _numbers(fixed):
        return "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
    if fixed:
        spec["overhead"] = dict(fixed)
    return _schedule(spec, (chosen or {}).get("scheduling") or {})


def _schedule(spec: dict[str, Any], scheduling: Mapping[str, Any]) -> str:
    wanted, own = scheduling.get("nodeSelector") or {}, spec.get("nodeSelector") or {}
    for key in wanted.keys() & own.keys():
        if wanted[key] != own[key]:
            return f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {wanted[key]}"
    if wanted:
        spec["nodeSelector"] = {**own, **wanted}
    tolerations = spec.get("tolerations") or []
    more = [each for each in scheduling.get("tolerations") or () if each not in tolerations]
    if more:
        spec["tolerations"] = [*tolerations, *more]
    return ""


def _overhead(fixed: Mapping[str, Any]) -> Iterator[Problem]:
    for name, amount in fixed.items():
        path = f"overhead.podFixed[{name}]"
        try:
            if quantities.parse(amount) < 0:
                yield invalid(path, amount, "must be greater than or equal to 0")
        except ValueError as error:
            yield invalid(path, amount, str(error))


def _numbers(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: quantities.parse(amount) for name, amount in table.items()}


RUNTIME_RULES: Mapping[str, Rules] = {names.RUNTIME_CLASS: Rules(validate=validate_runtime)}
