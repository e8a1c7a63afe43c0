"""Looking into values, and making values that differ in one place. Nothing is changed in place."""

from __future__ import annotations

from typing import Any

from sampan.lib.jq.faults import Fault
from sampan.lib.jq.values import Machine, as_int, described, is_number, same

_LARGEST_INDEX = 1 << 20  # a list grows no further by being assigned to
_GONE = object()

Path = tuple[Any, ...]


def index(machine: Machine, value: Any, key: Any) -> Any:
    """`value[key]`, for every kind of key. Raises Fault."""
    machine.tick()
    if isinstance(key, str):
        if value is None or isinstance(value, dict):
            return value.get(key) if value else None
        raise Fault(f"expected an object but got: {described(machine, value)}")
    if is_number(key):
        return _item(machine, value, as_int(key))
    if isinstance(key, list):
        if value is None or isinstance(value, list):
            return None if value is None else places(machine, value, key)
        raise Fault(f"expected an array but got: {described(machine, value)}")
    if isinstance(key, dict):
        return value if value is None else slice_of(machine, value, *_ends(machine, key))
    raise _wrong_key(machine, value, key)


def _item(machine: Machine, value: Any, at: int) -> Any:
    if value is None:
        return None
    if not isinstance(value, list | str):
        raise Fault(f"expected an array but got: {described(machine, value)}")
    at += len(value) if at < 0 else 0
    return value[at] if 0 <= at < len(value) else None


def _wrong_key(machine: Machine, value: Any, key: Any) -> Fault:
    what = "a string for object key"
    if isinstance(value, list | str):
        what = f"a number for indexing {'an array' if isinstance(value, list) else 'a string'}"
    return Fault(f"expected {what} but got: {described(machine, key)}")


def places(machine: Machine, value: list[Any], part: list[Any]) -> list[int]:
    """Where a list occurs in another one."""
    size = len(part)
    if not size:
        return []
    starts = range(len(value) - size + 1)
    return [at for at in starts if same(machine, value[at : at + size], part)]


def slice_of(machine: Machine, value: Any, start: Any, end: Any) -> Any:
    """`value[start:end]`. Raises Fault."""
    machine.tick()
    if value is None:
        return None
    if not isinstance(value, list | str):
        raise Fault(f"expected an array but got: {described(machine, value)}")
    first, last = _bounds(machine, value, start, end)
    return value[first:last]


def _bounds(machine: Machine, value: Any, start: Any, end: Any) -> tuple[int, int]:
    for each in (start, end):
        if each is not None and not is_number(each):
            kind = "a string" if isinstance(value, str) else "an array"
            raise Fault(
                f"expected a number for indexing {kind} but got: {described(machine, each)}"
            )
    first = 0 if start is None else _clamped(as_int(start), 0, len(value))
    last = len(value) if end is None else _clamped(as_int(end, up=True), first, len(value))
    return first, last


def _clamped(at: int, low: int, high: int) -> int:
    return max(low, min(at + high if at < 0 else at, high))


def _ends(machine: Machine, key: dict[str, Any]) -> tuple[Any, Any]:
    if "start" not in key or "end" not in key:
        shown = described(machine, key)
        raise Fault(f'expected "start" and "end" for slicing but got: {shown}')
    return key["start"], key["end"]


def get(machine: Machine, value: Any, path: Path) -> Any:
    """What is at a path; null where there is nothing. Raises Fault."""
    for key in path:
        if not (value is None or isinstance(value, list | dict)):
            raise Fault(f"getpath cannot be applied to: {described(machine, value)}")
        value = index(machine, value, key)
    return value


class Update:
    """Several changes to one value. What was copied for one of them is changed in place by the
    next, so that a change to every item of a list costs one copy."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._own: dict[int, Any] = {}

    def look(self, value: Any, path: Path) -> Any:
        """What is at a path. It stays as it is, whatever is done with it."""
        found = get(self._machine, value, path)
        if id(found) in self._own:
            self._own.clear()
        return found

    def put(self, value: Any, path: Path, new: Any) -> Any:
        """The value with something else at a path. Raises Fault."""
        self._machine.tick()
        if not path or value is _GONE:
            return value if path else new
        key, rest = path[0], path[1:]
        if isinstance(key, str):
            return self._in_object(value, key, rest, new)
        if is_number(key):
            return self._in_list(value, as_int(key), rest, new)
        if isinstance(key, dict):
            return self._in_slice(value, key, rest, new)
        raise _wrong_key(self._machine, value, key)

    def drop(self, value: Any, paths: list[Path]) -> Any:
        """The value without what is at some paths, all of them meant before anything is gone."""
        for path in paths:
            value = self.put(value, path, _GONE)
        return self._swept(value) if paths else value

    def _in_object(self, value: Any, key: str, rest: Path, new: Any) -> Any:
        if not (value is None or isinstance(value, dict)):
            raise Fault(f"expected an object but got: {described(self._machine, value)}")
        if new is _GONE and key not in (value or {}):
            return value
        made = self._mine(value or {})
        made[key] = self.put(made.get(key), rest, new)
        return made

    def _in_list(self, value: Any, at: int, rest: Path, new: Any) -> Any:
        items = _list(self._machine, value)
        place = at + len(items) if at < 0 else at
        if not 0 <= place < len(items):
            if new is _GONE:
                return value
            if place < 0:
                raise Fault(f"array index should not be negative: {at}")
            if place >= _LARGEST_INDEX:
                raise Fault(f"array index too large: {at}")
        made = self._mine(items)
        missing = place + 1 - len(made)
        self._machine.tick(max(missing, 0) // 16)
        made.extend([None] * missing)
        made[place] = self.put(made[place], rest, new)
        return made

    def _in_slice(self, value: Any, key: dict[str, Any], rest: Path, new: Any) -> Any:
        items = _list(self._machine, value)
        first, last = _bounds(self._machine, items, *_ends(self._machine, key))
        if new is _GONE and first == last:
            return value
        part = self.put(items[first:last], rest, new)
        if part is _GONE:
            part = [_GONE] * (last - first)
        if not isinstance(part, list):
            raise Fault(f"expected an array but got: {described(self._machine, part)}")
        self._machine.tick(len(items) // 16)
        return [*items[:first], *part, *items[last:]]

    def _mine(self, value: Any) -> Any:
        """The value, or a copy that may be changed."""
        if id(value) in self._own:
            return value
        self._machine.tick(len(value) // 16)
        made = value.copy()
        self._own[id(made)] = made
        return made

    def _swept(self, value: Any) -> Any:
        self._machine.tick()
        match value:
            case dict():
                kept = ((key, each) for key, each in value.items() if each is not _GONE)
                return {key: self._swept(each) for key, each in kept}
            case list():
                return [self._swept(each) for each in value if each is not _GONE]
        return None if value is _GONE else value


def _list(machine: Machine, value: Any) -> list[Any]:
    if value is None or isinstance(value, list):
        return value or []
    raise Fault(f"expected an array but got: {described(machine, value)}")
