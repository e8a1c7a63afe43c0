"""JSON patch and JSON merge patch, as functions from a document and a patch to a new document.

Nothing given is ever changed; parts that the patch does not touch are shared with the input. Errors
are those of a real server: a patch that cannot be carried out is Invalid, one that is no patch is
BadRequest. Strategic merge patch needs schemas and lives in `sampan.kube.strategic`.
RFC 6902, RFC 7386; upstream: k8s.io/apiserver pkg/endpoints/handlers/patch.go.
"""

from __future__ import annotations

from typing import Any, NoReturn

import orjson

from sampan.kube.errors import BadRequest, Invalid, TooLarge

MAX_OPERATIONS = 10_000
"""Operations in one JSON patch; a real server refuses more."""
MAX_COPIED = 3 * 1024 * 1024
"""Bytes that all `copy` operations of one patch may add, so that they cannot double for ever."""

_REFUSED = "the server rejected our request due to an error in our request"
_ABSENT: Any = object()


def json_patch(document: Any, operations: Any) -> Any:
    """The document after a JSON patch. Invalid when an operation fails, BadRequest when malformed,
    TooLarge when there are too many."""
    for operation in _checked(operations):
        _CHECKS[operation["op"]](operation)
    patch = _Patch(document)
    try:
        for operation in operations or ():
            getattr(patch, "do_" + operation["op"])(operation)
    except RecursionError:
        _refuse()
    return patch.root


def merge(document: Any, patch: Any) -> Any:
    """The document after a JSON merge patch: null removes, objects merge, the rest replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value) if isinstance(value, dict) else value
    return merged


def diff(old: Any, new: Any) -> Any:
    """The smallest merge patch with `merge(old, patch) == new`; {} when nothing differs.

    A null inside `new` cannot be said by a merge patch and comes out as a removal.
    """
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key, _ABSENT)
        if same(before, value):
            continue
        both = isinstance(before, dict) and isinstance(value, dict)
        patch[key] = diff(before, value) if both else value
    return patch


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal; true is not 1, but 1 is 1.0."""
    if left is right:
        return True
    if isinstance(left, bool) or isinstance(right, bool):
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def _refuse() -> NoReturn:
    raise Invalid(_REFUSED)


def _checked(operations: Any) -> list[dict[str, Any]]:
    """The operations, once their JSON types are right."""
    if operations is None:
        return []
    if not isinstance(operations, list):
        raise _undecodable(operations, "[]handlers.jsonPatchOp")
    if len(operations) > MAX_OPERATIONS:
        raise TooLarge(
            f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS},"
            f" got {len(operations)}"
        )
    for operation in operations:
        if not isinstance(operation, dict):
            raise _undecodable(operation, "handlers.jsonPatchOp")
        for field in ("op", "path", "from"):
            if not isinstance(value := operation.get(field, ""), str):
                raise _undecodable(value, "string", f"Go struct field jsonPatchOp.{field}")
        if operation.get("op") not in _CHECKS:
            _refuse()
    return operations


def _undecodable(value: Any, wanted: str, place: str = "Go value") -> BadRequest:
    kinds = {dict: "object", list: "array", str: "string", bool: "bool"}
    kind = kinds.get(type(value), "number")
    return BadRequest(
        f"error decoding patch: json: cannot unmarshal {kind} into {place} of type {wanted}"
    )


def _has_path(operation: dict[str, Any]) -> None:
    if "path" not in operation:
        _refuse()


def _has_value(operation: dict[str, Any]) -> None:
    _has_path(operation)
    if "value" not in operation and operation["op"] != "test":
        _refuse()


def _has_from(operation: dict[str, Any]) -> None:
    _has_path(operation)
    if "from" not in operation:
        _refuse()


_CHECKS = {
    "add": _has_value, "remove": _has_path, "replace": _has_value,
    "move": _has_from, "copy": _has_from, "test": _has_value,
}  # fmt: skip


def _tokens(pointer: str) -> list[str]:
    if not pointer:
        return []
    if not pointer.startswith("/"):
        _refuse()
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]


def _index(items: list[Any], token: str, *, end: int) -> int:
    """A position from 0 to `end`; upstream's library takes negative ones, from the back."""
    digits = token[1:] if token.startswith("-") else token
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        _refuse()
    index = int(token)
    index = index + end + 1 if index < 0 else index
    if not 0 <= index <= end:
        _refuse()
    return index


class _Patch:
    """A document being patched. Containers are copied the first time they are changed."""

    def __init__(self, document: Any) -> None:
        self.root = document
        self.copied = 0
        self._ours: dict[int, Any] = {}  # by identity; holding the value keeps the identity taken

    def do_add(self, operation: dict[str, Any]) -> None:
        self._add(_tokens(operation["path"]), operation["value"])

    def do_remove(self, operation: dict[str, Any]) -> None:
        self._take(_tokens(operation["path"]))

    def do_replace(self, operation: dict[str, Any]) -> None:
        path = _tokens(operation["path"])
        self._read(path)
        if not path:
            self.root = operation["value"]
            return
        parent = self._parent(path)
        if isinstance(parent, dict):
            parent[path[-1]] = operation["value"]
        else:
            parent[_index(parent, path[-1], end=len(parent) - 1)] = operation["value"]

    def do_move(self, operation: dict[str, Any]) -> None:
        source, target = _tokens(operation["from"]), _tokens(operation["path"])
        if target[: len(source)] == source and len(target) > len(source):
            _refuse()
        self._add(target, self._take(source))

    def do_copy(self, operation: dict[str, Any]) -> None:
        value = self._read(_tokens(operation["from"]))
        self.copied += len(orjson.dumps(value))
        if self.copied > MAX_COPIED:
            _refuse()
        self._ours.clear()  # the value now hangs in two places: neither may be changed in place
        self._add(_tokens(operation["path"]), value)

    def do_test(self, operation: dict[str, Any]) -> None:
        wanted = operation.get("value")
        try:
            value = self._read(_tokens(operation["path"]))
        except Invalid:
            if wanted is None:
                return
            raise
        if not same(value, wanted):
            _refuse()

    def _read(self, path: list[str]) -> Any:
        value = self.root
        for token in path:
            if isinstance(value, dict):
                if token not in value:
                    _refuse()
                value = value[token]
            elif isinstance(value, list):
                value = value[_index(value, token, end=len(value) - 1)]
            else:
                _refuse()
        return value

    def _parent(self, path: list[str]) -> Any:
        """The container that holds the last token, ours to change."""
        self._read(path[:-1])
        parent = self.root = self._own(self.root)
        for token in path[:-1]:
            at = token if isinstance(parent, dict) else _index(parent, token, end=len(parent) - 1)
            parent[at] = parent = self._own(parent[at])
        return parent

    def _own(self, value: Any) -> Any:
        if id(value) in self._ours:
            return value
        if not isinstance(value, dict | list):
            _refuse()
        mine = value.copy()
        self._ours[id(mine)] = mine
        return mine

    def _add(self, path: list[str], value: Any) -> None:
        if not path:
            self.root = value
            return
        parent, last = self._parent(path), path[-1]
        if isinstance(parent, dict):
            parent[last] = value
        else:
            end = len(parent)
            parent.insert(end if last == "-" else _index(parent, last, end=end), value)

    def _take(self, path: list[str]) -> Any:
        value = self._read(path)
        if not path:
            _refuse()
        parent = self._parent(path)
        if isinstance(parent, dict):
            return parent.pop(path[-1])
        parent.pop(_index(parent, path[-1], end=len(parent) - 1))
        return value
