"""What the statuses of this package's objects say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from sampan.kinds.core.types import Dying
from sampan.kube import conditions, meta
from sampan.kube.keys import Manifest, kind_of, split_kind

_SUCCESSES = (
    ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources were found"),
    ("NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions", "All kinds were read"),
    ("NamespaceDeletionContentFailure", "ContentDeleted", "Deletion was asked for everywhere"),
)


def terminating(dying: Dying) -> dict[str, Any]:
    """The conditions of a namespace that still has contents."""
    old = dying.namespace.get("status") or {}
    found = list(old.get("conditions") or ())
    for type_, reason, message in _SUCCESSES:
        found = _set(found, dying, type_, "False", reason, message)
    kinds = Counter(_resource(each) for each in dying.contents)
    said = ", ".join(
        f"{kind} has {count} resource instances" for kind, count in sorted(kinds.items())
    )
    found = _set(
        found, dying, "NamespaceContentRemaining", "True", "SomeResourcesRemain",
        f"Some resources are remaining: {said}",
    )  # fmt: skip
    held = _finalizers(dying.contents)
    said = ", ".join(
        f"{name} in {count} resource instances" for name, count in sorted(held.items())
    )
    found = _set(
        found, dying, "NamespaceFinalizersRemaining", "True" if held else "False",
        "SomeFinalizersRemain" if held else "ContentHasNoFinalizers",
        f"Some finalizers are remaining: {said}" if held else "Nothing is held by a finalizer",
    )  # fmt: skip
    return {**old, "phase": "Terminating", "conditions": found}


def claim(old: Manifest, phase: str, volume: Manifest | None = None) -> dict[str, Any]:
    """A claim's status; capacity and access modes are those of the bound volume. What others have
    written there, like conditions, stays."""
    ours = ("phase", "accessModes", "capacity")
    kept = {key: value for key, value in (old.get("status") or {}).items() if key not in ours}
    if volume is None:
        return {"phase": phase, **kept}
    spec = volume["spec"]
    bound = {"phase": phase, "accessModes": spec["accessModes"], "capacity": spec["capacity"]}
    return {**bound, **kept}


def volume(old: Manifest, phase: str, message: str = "") -> dict[str, Any]:
    """A volume's status: while the phase stays, so does what others have written there."""
    before = old.get("status") or {}
    if before.get("phase") == phase:
        return dict(before)
    return {"phase": phase, "message": message} if message else {"phase": phase}


def _set(
    found: list[dict[str, Any]], dying: Dying, type_: str, status: str, reason: str, message: str
) -> list[dict[str, Any]]:
    new = {"type": type_, "status": status, "reason": reason, "message": message}
    return conditions.set_condition(found, new, dying.now)


def _finalizers(contents: Iterable[Manifest]) -> Counter[str]:
    return Counter(name for each in contents for name in meta.finalizers(each))


def _resource(manifest: Manifest) -> str:
    """`pods.`, `deployments.apps`: as upstream names kinds to people who wait. The plural is a
    guess by the rules of English: only the server knows better."""
    kind, group = split_kind(kind_of(manifest["apiVersion"], manifest["kind"]))
    word = kind.lower()
    if word.endswith("y"):
        word = word[:-1] + "ies"
    elif word != "endpoints":
        word += "es" if word.endswith("s") else "s"
    return f"{word}.{group}"
