"""Strategic merge patch: a merge patch whose lists merge by key, as a shape says.

Directives: `$patch` (merge, replace, delete) in maps and in items of lists, `$retainKeys`,
`$setElementOrder/<list>`, `$deleteFromPrimitiveList/<list>`. What the patch does not touch is
shared with the live object, which is never changed. A merged list has the patch's order; items that
only the live object has keep their places among those that both have, else they come last. Shapes
are the API server's compiled schemas, or a table of merge keys (`Table`).
Upstream: k8s.io/apimachinery pkg/util/strategicpatch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

from sampan.kube.errors import BadRequest

PATCH, RETAIN = "$patch", "$retainKeys"
ORDER, DELETE_FROM = "$setElementOrder/", "$deleteFromPrimitiveList/"
_ABSENT: Any = object()


class Shape(Protocol):
    """How values at a place merge. That of a list whose strategy has `merge` is a ListShape."""

    strategy: str

    def child(self, key: str) -> Shape: ...


class ListShape(Shape, Protocol):
    """`merge_key` tells items apart; "" for a list of plain values."""

    merge_key: str

    @property
    def items(self) -> Shape: ...


class Table:
    """A shape by names alone: lists of these names merge by their keys wherever they stand."""

    def __init__(self, keys: Mapping[str, str], merge_key: str = "") -> None:
        self._keys = keys
        self.merge_key = merge_key
        self.strategy = "merge" if merge_key else ""

    @property
    def items(self) -> Shape:
        return Table(self._keys)

    def child(self, key: str) -> Shape:
        return Table(self._keys, self._keys.get(key, ""))


def strategic(live: Any, patch: Any, shape: Shape) -> Any:
    """The object after the patch. BadRequest when the patch makes no sense."""
    if not isinstance(patch, dict):
        raise BadRequest("error decoding patch: json: cannot unmarshal a non-object patch")
    try:
        return _map(live, patch, shape)
    except RecursionError:
        raise BadRequest("the patch is nested too deeply") from None


def _map(live: dict[str, Any], patch: dict[str, Any], node: Shape) -> dict[str, Any]:
    match patch.get(PATCH):
        case None | "merge":
            return _merge(live, patch, node)
        case "replace":
            return {key: _settled(value) for key, value in patch.items() if key != PATCH}
        case "delete":
            return {}
        case other:
            raise BadRequest(f"Unexpected value for directive {PATCH}: {other}")


def _merge(live: dict[str, Any], patch: dict[str, Any], node: Shape) -> dict[str, Any]:
    made = dict(live)
    if RETAIN in patch:
        _retain(made, patch)
    for key, value in patch.items():
        if key.startswith(DELETE_FROM):
            _delete_from(made, key.removeprefix(DELETE_FROM), value)
        elif not key.startswith((ORDER, PATCH, RETAIN)):
            _field(made, key, value, node.child(key))
    for key, value in patch.items():
        if key.startswith(ORDER):
            _reorder(made, key.removeprefix(ORDER), value, live, node)
    return made


def _field(made: dict[str, Any], key: str, value: Any, node: Shape) -> None:
    """Merge one field of the patch into the object that is being made."""
    before = made.get(key, _ABSENT)
    if value is None:
        made.pop(key, None)
    elif isinstance(value, dict):
        if node.strategy == "replace":
            made[key] = _settled(value)
        elif value.get(PATCH) == "delete" and before is _ABSENT:
            return
        else:
            made[key] = _map(before if isinstance(before, dict) else {}, value, node)
    elif isinstance(value, list) and _merges(node):
        made[key] = _list(before if isinstance(before, list) else [], value, cast(ListShape, node))
    else:
        made[key] = _settled(value)


def _merges(node: Shape) -> bool:
    """Asked for a list's shape."""
    return "merge" in node.strategy.split(",")


def _list(live: list[Any], patch: list[Any], node: ListShape) -> list[Any]:
    if node.merge_key and any(isinstance(item, dict) for item in [*patch, *live]):
        return _items(live, patch, node)
    made = list(live)
    made.extend(item for item in patch if item not in live)
    return _ordered(made, patch, live, _identity(node))


def _items(live: list[Any], patch: list[Any], node: ListShape) -> list[Any]:
    """Merge items of a list by its merge key."""
    name = node.merge_key
    if not all(isinstance(item, dict) for item in patch):
        raise BadRequest("unexpected item in a list of maps: the patch has items of other types")
    if any(item.get(PATCH) == "replace" for item in patch):
        return [_settled(item) for item in patch if PATCH not in item]
    made = list(live)
    for item in patch:
        if item.get(PATCH) == "delete":
            key = _key(item, name)
            made = [old for old in made if not _has(old, name, key)]
    for item in patch:
        if item.get(PATCH) == "delete":
            continue
        key = _key(item, name)
        at = next((index for index, old in enumerate(made) if _has(old, name, key)), None)
        if at is None:
            made.append(_map({}, item, node.items))
        else:
            made[at] = _map(made[at], item, node.items)
    return _ordered(made, patch, live, _identity(node))


def _key(item: dict[str, Any], name: str) -> Any:
    if name not in item:
        raise BadRequest(f"map: {item} does not contain declared merge key: {name}")
    return item[name]


def _has(item: Any, name: str, key: Any) -> bool:
    return isinstance(item, dict) and item.get(name) == key


def _retain(made: dict[str, Any], patch: dict[str, Any]) -> None:
    """Keep only the fields that are listed; every field of the patch must be among them."""
    keys = patch[RETAIN]
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise BadRequest(f"invalid patch format of {RETAIN}: it should be a list of names")
    for key, value in patch.items():
        if not key.startswith("$") and value is not None and key not in keys:
            raise BadRequest(f"{RETAIN} directives should be a superset of the fields in the patch")
    for key in [key for key in made if key not in keys]:
        del made[key]


def _delete_from(made: dict[str, Any], key: str, values: Any) -> None:
    if not isinstance(values, list):
        raise BadRequest(f"invalid patch format of {DELETE_FROM}{key}: it should be a list")
    if isinstance(made.get(key), list):
        made[key] = [value for value in made[key] if value not in values]


def _reorder(
    made: dict[str, Any], key: str, wanted: Any, live: dict[str, Any], node: Shape
) -> None:
    """Put a merged list into the patch's order; items that only the server has keep their
    places."""
    if not isinstance(wanted, list):
        raise BadRequest(f"invalid patch format of {ORDER}{key}: it should be a list")
    child, items = node.child(key), made.get(key)
    if isinstance(items, list) and _merges(child):
        made[key] = _ordered(items, wanted, live.get(key) or (), _identity(cast(ListShape, child)))


def _ordered(
    items: list[Any], wanted: Sequence[Any], live: Sequence[Any], of: Callable[[Any], str]
) -> list[Any]:
    order = {of(item): rank for rank, item in enumerate(wanted)}
    server = {of(item): rank for rank, item in enumerate(live)}
    listed = sorted((i for i in items if of(i) in order), key=lambda item: order[of(item)])
    others = [item for item in items if of(item) not in order]
    result: list[Any] = []
    for item in listed:
        mine = server.get(of(item))
        while others and mine is not None and server.get(of(others[0]), mine) < mine:
            result.append(others.pop(0))
        result.append(item)
    return result + others


def _identity(node: ListShape) -> Callable[[Any], str]:
    """What tells items apart, as something that can be looked up."""
    name = node.merge_key
    return lambda item: repr(item.get(name) if name and isinstance(item, dict) else item)


def _settled(value: Any) -> Any:
    """A value of the patch that has nothing to merge with: without directives and nulls."""
    if isinstance(value, dict):
        return {
            key: _settled(inner)
            for key, inner in value.items()
            if inner is not None
            and not key.startswith(("$patch", "$retainKeys", ORDER, DELETE_FROM))
        }
    if isinstance(value, list):
        return [
            _settled(item)
            for item in value
            if not (isinstance(item, dict) and item.get(PATCH) == "delete")
        ]
    return value
