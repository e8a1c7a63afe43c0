"""The status of a CustomResourceDefinition: are its names free, is it served, what is stored. Pure.

Upstream: k8s.io/apiextensions-apiserver pkg/controller/{status,establish}.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kube.errors import Problem, invalid, required
from sampan.kube.keys import Manifest

_OWN = ("NamesAccepted", "Established", "Terminating")


def status_of(
    crd: Manifest, old: Manifest | None, clash: tuple[str, str] | None, now: str
) -> dict[str, Any]:
    """The status that a definition has with its present spec. `clash` is why its names are taken
    (reason, message). What others wrote into the status stays."""
    spec, status = crd["spec"], dict((old or {}).get("status") or {})
    given = status.get("conditions") or []
    before = {condition["type"]: condition for condition in given}
    own = [_since(condition, before, now) for condition in _conditions(crd, old, clash)]
    status["conditions"] = [*own, *(c for c in given if c["type"] not in _OWN)]
    status["acceptedNames"] = status.get("acceptedNames", {}) if clash else spec["names"]
    stored = status.get("storedVersions") or []
    current = [v.get("name") or "" for v in spec["versions"] if v.get("storage")]
    status["storedVersions"] = [*stored, *(name for name in current if name not in stored)]
    return status


def _conditions(
    crd: Manifest, old: Manifest | None, clash: tuple[str, str] | None
) -> Iterator[dict[str, Any]]:
    """What was established stays so, under the names that were accepted then."""
    yield _condition("NamesAccepted", not clash, *(clash or ("NoConflicts", "no conflicts found")))
    if clash and not (old and holds(old, "Established")):
        text = "not all names are accepted"
        yield _condition("Established", False, "NotAccepted", text)
    else:
        text = "the initial names have been accepted"
        yield _condition("Established", True, "InitialNamesAccepted", text)
    if crd["metadata"].get("deletionTimestamp"):
        text = "CustomResource deletion is in progress"
        yield _condition("Terminating", True, "InstanceDeletionInProgress", text)


def holds(crd: Manifest, condition: str) -> bool:
    """Whether a condition is True."""
    conditions = (crd.get("status") or {}).get("conditions") or ()
    return any(c["type"] == condition and c["status"] == "True" for c in conditions)


def stored_problems(crd: Manifest) -> Iterator[Problem]:
    """A version that objects may be stored in cannot be taken away."""
    status, path = crd.get("status") or {}, "status.storedVersions"
    stored = status.get("storedVersions") or []
    versions = crd["spec"]["versions"]
    names = {version["name"] for version in versions}
    for index, name in enumerate(stored):
        if name not in names:
            text = (
                f"missing from spec.versions; {name} was previously a storage version, and must"
                " remain in spec.versions until a storage migration ensures no data remains"
                f" persisted in {name} and removes {name} from status.storedVersions"
            )
            yield invalid(f"{path}[{index}]", name, text)
    current = next((v.get("name", "") for v in versions if v.get("storage")), "")
    if status and not stored:
        yield required(path, "must have at least one stored version")
    elif status and current not in stored:
        yield invalid(path, stored, f"must have the storage version {current}")


def _condition(type: str, holds: bool, reason: str, message: str) -> dict[str, Any]:
    status = "True" if holds else "False"
    return {"type": type, "status": status, "reason": reason, "message": message}


def _since(
    condition: dict[str, Any], before: dict[str, dict[str, Any]], now: str
) -> dict[str, Any]:
    former = before.get(condition["type"])
    if former and former["status"] == condition["status"]:
        now = former.get("lastTransitionTime") or now
    return condition | {"lastTransitionTime": now}
