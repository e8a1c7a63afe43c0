"""Lists of v1beta1: the same pages as of the second version, told in other words.

A filter says `op` where the second version says `operation`, and states begin with STORAGESTATE_.
Upstream: backend/src/apiserver/filter/filter.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from sampan.kube import meta
from sampan.kube.keys import Manifest
from sampan.records.pipelines.selection import Predicate, Selection
from sampan.services.pipelines import listing
from sampan.services.pipelines.call import Call

_PREFIX = "STORAGESTATE_"


def asked(call: Call, listed: listing.Listed, **of: str) -> Selection:
    """Raises Refused."""
    wanted = call.asked(listed, version="v1beta1", **of)
    return replace(wanted, predicates=tuple(map(_in_our_words, wanted.predicates)))


def _in_our_words(predicate: Predicate) -> Predicate:
    if predicate.key != "storage_state":
        return predicate
    value = predicate.value
    if isinstance(value, tuple):
        return replace(predicate, value=tuple(map(_stored, value)))
    return replace(predicate, value=_stored(value))


def _stored(value: Any) -> Any:
    return value.removeprefix(_PREFIX) if isinstance(value, str) else value


def answer(
    name: str,
    wanted: Selection,
    objects: Iterable[Manifest],
    known: Callable[[Manifest], dict[str, Any]],
    shown: Callable[[Manifest], Mapping[str, Any]],
    *,
    tie: str,
) -> dict[str, Any]:
    """`known` tells an object as the second version does, by which it is selected."""
    by_id = {meta.uid_of(each): each for each in objects}
    found = listing.answer(name, wanted, by_id.values(), known, tie=tie)
    if name in found:
        found[name] = [shown(by_id[item[tie]]) for item in found[name]]
    return found
