"""PriorityClass, and the priority that pods get from one.

A pod names a class, or gets the cluster's default, or 0; the number itself is not for users to say.
Upstream: kubernetes plugin/pkg/admission/priority, pkg/apis/scheduling/validation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kube import meta, names
from sampan.kube.component import Rules
from sampan.kube.errors import Forbidden as ForbiddenError
from sampan.kube.errors import Problem, forbidden, unsupported
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import View

_HIGHEST = 10**9
"""What users may set; above it is the system."""
_SYSTEM = "system-"
_KNOWN = {
    f"{_SYSTEM}cluster-critical": 2 * _HIGHEST,
    f"{_SYSTEM}node-critical": 2 * _HIGHEST + 1000,
}
_POLICIES = ("PreemptLowerPriority", "Never")


def assign(view: View, spec: dict[str, Any]) -> str:
    """Write priority, policy and the name of the class into a new pod's spec. Answers with the
    reason why that cannot be, "" if it can."""
    name = spec.get("priorityClassName") or ""
    found = view.get(Key(names.PRIORITY_CLASS, "", name)) if name else _default(view)
    if found is None and name:
        return f"no PriorityClass with name {name} was found"
    chosen = found or {}
    if found is not None:
        spec["priorityClassName"] = meta.name_of(found)
    priority = chosen.get("value", 0)
    policy = chosen.get("preemptionPolicy") or _POLICIES[0]
    given = spec.get("preemptionPolicy")
    if spec.get("priority") not in (None, priority):
        return (
            f"the integer value of priority ({spec['priority']}) must not be provided in pod spec;"
            f" priority admission controller computed {priority} from the given PriorityClass name"
        )
    if given is not None and given != policy:
        return (
            f"the string value of PreemptionPolicy ({given}) must not be provided in pod spec;"
            f" priority admission controller computed {policy} from the given PriorityClass name"
        )
    spec["priority"], spec["preemptionPolicy"] = priority, policy
    return ""


def _default(view: View) -> Manifest | None:
    """The lowest of the classes that say so; upstream's choice, should there be several."""
    marked = [each for each in view.select(names.PRIORITY_CLASS) if each.get("globalDefault")]
    return min(marked, key=lambda each: each.get("value", 0), default=None)


def default(manifest: Manifest) -> None:
    manifest.setdefault("preemptionPolicy", _POLICIES[0])


def validate(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    found = []
    name, value = meta.name_of(manifest), manifest.get("value", 0)
    if name.startswith(_SYSTEM):
        if old is None and not _is_known(manifest):
            fault = f"priority class names with '{_SYSTEM}' prefix are reserved for system use"
            fault += f" only. error: {name} is not a known system priority class"
            found.append(forbidden("metadata.name", fault))
    elif value > _HIGHEST:
        fault = f"maximum allowed value of a user defined priority is {_HIGHEST}"
        found.append(forbidden("value", fault))
    if (policy := manifest["preemptionPolicy"]) not in _POLICIES:
        found.append(unsupported("preemptionPolicy", policy, _POLICIES))
    if old is not None:
        found += _changes(manifest, old)
    return found


def _is_known(manifest: Manifest) -> bool:
    known = _KNOWN.get(meta.name_of(manifest))
    return known is not None and known == int(manifest.get("value") or 0)


def _changes(manifest: Manifest, old: Manifest) -> list[Problem]:
    found = []
    if manifest.get("value", 0) != old.get("value", 0):
        found.append(forbidden("value", "may not be changed in an update."))
    if manifest["preemptionPolicy"] != (old.get("preemptionPolicy") or _POLICIES[0]):
        found.append(forbidden("preemptionPolicy", "may not be changed in an update."))
    return found


def admit(view: View, manifest: Manifest, old: Manifest | None) -> None:
    """There is one default."""
    if not manifest.get("globalDefault"):
        return
    name, other = meta.name_of(manifest), _default(view)
    if other is not None and meta.name_of(other) != name:
        text = f"PriorityClass {meta.name_of(other)} is already marked as default. Only one default"
        raise ForbiddenError(
            f'priorityclasses.scheduling.k8s.io "{name}" is forbidden: {text} can exist',
            {"name": name, "group": "scheduling.k8s.io", "kind": "priorityclasses"},
        )


PRIORITY_RULES: Mapping[str, Rules] = {
    names.PRIORITY_CLASS: Rules(default=default, validate=validate, admit=admit)
}
