"""What holds for the metadata of every kind: names, labels, owners, who sets which field.

`check_types` is for custom resources (built-in kinds have it in their schema); `problems` are the
422s. Upstream: k8s.io/apimachinery pkg/api/validation/objectmeta.go, pkg/registry/rest.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from sampan.kube import formats, names
from sampan.kube.errors import BadRequest, Problem, duplicate, forbidden, invalid, required
from sampan.kube.keys import Manifest
from sampan.kube.times import parse

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # no vowels: no words by accident
_LONGEST_PREFIX = 58
_MOST_ANNOTATIONS = 256 << 10  # bytes
_SYSTEM = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
)
_STRINGS = frozenset({"name", "namespace", "generateName", "uid", "resourceVersion"})
_MAPS = frozenset({"labels", "annotations"})
_FINALIZERS_WITHOUT_DOMAIN = frozenset({names.FINALIZER_FOREGROUND, names.FINALIZER_ORPHAN})


def generated(prefix: str) -> str:
    """A name made from generateName."""
    return prefix[:_LONGEST_PREFIX] + "".join(secrets.choice(_ALPHABET) for _ in range(5))


_entropy = bytearray()


def new_uid() -> str:
    """A random UUID (version 4). Entropy is fetched in stock: the system call costs more than all
    the rest."""
    if not _entropy:
        _entropy.extend(os.urandom(16 * 256))
    mine = _entropy[-16:]
    del _entropy[-16:]
    mine[6] = mine[6] & 0x0F | 0x40
    mine[8] = mine[8] & 0x3F | 0x80
    text = mine.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def check_types(meta: Any, kind: str) -> None:
    """Raise BadRequest when a field of metadata has the wrong JSON type."""
    if not isinstance(meta, dict):
        raise _wrong(kind, "metadata", meta, "object")
    for name, value in meta.items():
        if value is None:
            continue
        if name in _STRINGS and not isinstance(value, str):
            raise _wrong(kind, f"metadata.{name}", value, "string")
        if name in _MAPS:
            _check_map(kind, f"metadata.{name}", value)
        elif name == "finalizers":
            _check_list(kind, "metadata.finalizers", value, str)
        elif name == "ownerReferences":
            _check_list(kind, "metadata.ownerReferences", value, dict)


def clear_system_fields(meta: dict[str, Any]) -> None:
    """What a creator may not choose."""
    for name in _SYSTEM:
        meta.pop(name, None)


def problems(
    meta: dict[str, Any], name_rule: Callable[[str], str | None], *, custom: bool = False
) -> list[Problem]:
    """Everything that is wrong with the metadata of an object that is about to be stored. Custom
    resources may have finalizers whose names are of no domain."""
    found: list[Problem] = []
    name = meta.get("name")
    if not name:
        found.append(required("metadata.name", "name or generateName is required"))
    elif fault := name_rule(name):
        found.append(invalid("metadata.name", name, fault))
    elif len(name) > 253:
        found.append(invalid("metadata.name", name, "must be no more than 253 characters"))
    if labels := meta.get("labels"):
        found.extend(_labels(labels))
    if annotations := meta.get("annotations"):
        found.extend(_annotations(annotations))
    if finalizers := meta.get("finalizers"):
        found.extend(_finalizers(finalizers, custom=custom))
    if owners := meta.get("ownerReferences"):
        found.extend(_owners(owners))
    return found


def update_problems(old: dict[str, Any], new: dict[str, Any]) -> list[Problem]:
    """What may not change from one state to the next; call before the system fields are kept."""
    found = [
        invalid(f"metadata.{name}", new[name], "field is immutable")
        for name in ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
        if new.get(name) is not None and not _same(new[name], old.get(name))
    ]
    if old.get("deletionTimestamp"):
        held = old.get("finalizers") or ()
        fresh = [name for name in new.get("finalizers") or () if name not in held]
        if fresh:
            listed = "[]string{" + ", ".join(f'"{name}"' for name in fresh) + "}"
            text = (
                "no new finalizers can be added if the object is being deleted,"
                f" found new finalizers {listed}"
            )
            found.append(forbidden("metadata.finalizers", text))
    return found


def _same(new: Any, old: Any) -> bool:
    """Equal, also as times: the Python client sends `+00:00` where it was given `Z`."""
    if new == old:
        return True
    try:
        return parse(new) == parse(old)
    except (TypeError, ValueError):
        return False


def keep_system_fields(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Carry over what only the server changes."""
    for name in ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"):
        if name in old:
            new[name] = old[name]
        else:
            new.pop(name, None)
    if "generation" in old:
        new["generation"] = old["generation"]
    else:
        new.pop("generation", None)
    new.pop("selfLink", None)


def ordered(manifest: Manifest) -> Manifest:
    """The same object with apiVersion, kind, metadata first: `present` relies on the first two."""
    head = {"apiVersion": None, "kind": None, "metadata": None}
    return head | manifest


def _labels(labels: dict[str, str]) -> Iterator[Problem]:
    for key, value in labels.items():
        if fault := formats.label_key(key):
            yield invalid("metadata.labels", key, fault)
        if fault := formats.label_value(value):
            yield invalid("metadata.labels", value, fault)


def _annotations(annotations: dict[str, str]) -> Iterator[Problem]:
    size = 0
    for key, value in annotations.items():
        size += len(key) + len(value)
        if fault := formats.label_key(key.lower()):
            yield invalid("metadata.annotations", key, fault)
    if size > _MOST_ANNOTATIONS:
        text = f"Too long: may not be more than {_MOST_ANNOTATIONS} bytes"
        yield Problem("metadata.annotations", "FieldValueTooLong", text)


def _finalizers(finalizers: list[str], *, custom: bool) -> Iterator[Problem]:
    for position, name in enumerate(finalizers):
        if fault := formats.label_key(name):
            yield invalid(f"metadata.finalizers[{position}]", name, fault)
        elif custom:
            continue
        elif "/" not in name and name not in _FINALIZERS_WITHOUT_DOMAIN and "." not in name:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            yield invalid(f"metadata.finalizers[{position}]", name, text)


def _owners(owners: list[dict[str, Any]]) -> Iterator[Problem]:
    controllers = []
    seen = set()
    for position, owner in enumerate(owners):
        path = f"metadata.ownerReferences[{position}]"
        for name in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(name) or not isinstance(owner[name], str):
                text = "version must not be empty" if name == "apiVersion" else "must not be empty"
                yield invalid(f"{path}.{name}", owner.get(name, ""), text)
        if owner.get("kind") == names.EVENT:
            text = "is disallowed from being an owner"
            yield invalid(path, f"{owner.get('apiVersion')}, Kind=Event", text)
        if owner.get("controller"):
            controllers.append(owner.get("name"))
        if (uid := owner.get("uid")) in seen:
            yield duplicate(f"{path}.uid", uid)
        seen.add(uid)
    if len(controllers) > 1:
        text = (
            'Only one reference can have Controller set to true. Found "true" in references for'
            f" {controllers[0]} and {controllers[1]}"
        )
        yield invalid("metadata.ownerReferences", "", text)


def _check_map(kind: str, field: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise _wrong(kind, field, value, "map[string]string")
    for item in value.values():
        if not isinstance(item, str):
            raise _wrong(kind, field, item, "string")


def _check_list(kind: str, field: str, value: Any, of: type) -> None:
    if not isinstance(value, list):
        raise _wrong(kind, field, value, "[]string" if of is str else "[]v1.OwnerReference")
    for item in value:
        if not isinstance(item, of):
            raise _wrong(kind, field, item, "string" if of is str else "v1.OwnerReference")


def _wrong(kind: str, field: str, value: Any, wanted: str) -> BadRequest:
    found = {str: "string", bool: "bool", dict: "object", list: "array"}.get(type(value), "number")
    return BadRequest(
        f"{kind} cannot be handled as a {kind}: json: cannot unmarshal {found} into Go struct field"
        f" {kind}.{field} of type {wanted}"
    )
