"""The two operations on managed fields: apply and update.

The order of steps and what counts as a conflict are those of structured-merge-diff merge/update.go
and of k8s.io/apimachinery pkg/util/managedfields.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sampan.apiserver.apply.compare import Differences, differences, owned, owned_by_creator
from sampan.apiserver.apply.elements import Unkeyed, element, key_value
from sampan.apiserver.apply.fieldsets import (
    FieldSet,
    difference,
    intersection,
    paths,
    union,
)
from sampan.apiserver.apply.managers import (
    APPLY,
    BEFORE_FIRST_APPLY,
    UPDATE,
    Entry,
    Manager,
    changed,
    new_entry,
    read,
    trusted,
    written,
)
from sampan.apiserver.apply.merge import merged, surplus, without
from sampan.apiserver.schemas import Schema
from sampan.apiserver.schemas.nodes import List, Node
from sampan.kube.errors import BadRequest, Conflict
from sampan.kube.keys import Manifest

_UNOWNED = frozenset((
    "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation",
    "managedFields", "resourceVersion",
))  # fmt: skip
"""Fields of metadata that the server alone is responsible for."""


def track(
    live: Manifest | None,
    new: Manifest,
    *,
    schema: Schema,
    manager: str,
    api_version: str,
    time: str,
    subresource: str = "",
) -> Manifest:
    """`new` with managedFields that tell what this create, update or patch has changed.

    live: the stored object; None for a create. time: RFC 3339, of the request. A client may write
    managedFields itself (not through a subresource); `[{}]` takes them all away.
    """
    given = new["metadata"].get("managedFields")
    if not subresource and isinstance(given, list) and given == [{}]:
        return _with_managers(new, [])
    who = Manager(manager, UPDATE, api_version, subresource)
    if live is None and not given:
        mine = owned_by_creator(_bare(new), schema.root, there=("metadata",))
        return _with_managers(new, [new_entry(who, time, mine)])
    kept = read(live["metadata"].get("managedFields") or []) if live else []
    entries = kept or []
    if given and not subresource and live and given != live["metadata"].get("managedFields"):
        entries = trusted(given) or entries
    elif given and not live:
        entries = trusted(given) or []
    if live is not None and not entries:
        return _with_managers(new, [])  # not tracked before: it stays so until somebody applies
    found = differences(_bare(live), _bare(new), schema.root)
    return _with_managers(new, _updated(entries, who, found, time))


def apply(
    live: Manifest | None,
    config: Manifest,
    *,
    schema: Schema,
    manager: str,
    api_version: str,
    time: str,
    force: bool,
    subresource: str = "",
    ignore: Collection[str] = (),
) -> Manifest:
    """The object after a server-side apply of `config`.

    Conflict when another manager owns a field that would change, unless `force` takes it. Fields
    that this manager applied before and now leaves out are removed if nobody else owns them. When
    nothing changes the answer equals `live`. ignore: top-level fields that this endpoint does not
    write, such as `status`.
    """
    config = _config(config, ignore)
    who = Manager(manager, APPLY, api_version, subresource)
    bare, claimed = _bare(live), _claimed(config, schema.root)
    entries = _entries_before_apply(live, bare, schema.root, api_version)
    last = next((entry for entry in entries if who.is_same(entry)), None)
    others = [entry for entry in entries if entry is not last]
    result = _merged(live, config, schema.root)
    if last is not None and last.fields != claimed:
        let_go = _let_go(last, claimed, others, schema.root)
        if let_go:  # merged once more: what is applied empty must not go with its last item
            result = _merged(without(result, let_go, schema.root), config, schema.root)
    if result is not live:
        bare_result = _bare(result)
        if others:
            others = _settled(others, differences(bare, bare_result, schema.root), force)
        result = live if live is not None and bare == bare_result else result
    if last is not None and last.fields == claimed and result is live:
        mine = last
    else:
        mine = new_entry(who, time, claimed)
    return _with_managers(result, [mine, *others] if claimed else others)


def _config(config: Manifest, ignore: Collection[str]) -> Manifest:
    if config["metadata"].get("managedFields"):
        raise BadRequest("metadata.managedFields must be nil")
    return {key: value for key, value in config.items() if key not in ignore}


def _claimed(config: Manifest, root: Node) -> FieldSet:
    """What the manifest says, as a set. BadRequest when items of its lists cannot be told apart."""
    bare = _bare(config)
    if not bare["metadata"]:
        del bare["metadata"]
    try:
        return owned(bare, root)
    except Unkeyed:
        _require_keys(config, root, "", _described(config))
        raise


def _bare(manifest: Manifest | None) -> Manifest:
    """The manifest without what nobody owns. Its metadata is always there."""
    if manifest is None:
        return {"metadata": {}}
    bare = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    metadata = manifest["metadata"]
    bare["metadata"] = {key: value for key, value in metadata.items() if key not in _UNOWNED}
    return bare


def _with_managers(manifest: Manifest, entries: list[Entry]) -> Manifest:
    metadata = manifest["metadata"]
    managed = written(entries)
    if managed == (metadata.get("managedFields") or []):
        return manifest
    metadata = {key: value for key, value in metadata.items() if key != "managedFields"}
    if managed:
        metadata["managedFields"] = managed
    return {**manifest, "metadata": metadata}


def _updated(entries: list[Entry], who: Manager, found: Differences, time: str) -> list[Entry]:
    """Entries after an update: who changed a field owns it, and owns it alone."""
    taken = union(found.modified, found.added)
    mine = next((entry for entry in entries if who.is_same(entry)), None)
    others = [entry for entry in entries if entry is not mine]
    if taken:
        others = changed(others, lambda fields: difference(fields, taken))
    if found.removed:
        others = changed(others, lambda fields: difference(fields, found.removed))
    if mine is None:
        return [*others, new_entry(who, time, taken)] if taken else others
    fields = difference(mine.fields, found.removed) if found.removed else mine.fields
    if taken:
        return [*others, mine.with_fields(union(fields, taken), time=time)]
    if fields is mine.fields:
        return entries
    return [*others, mine.with_fields(fields)] if fields else others


def _entries_before_apply(
    live: Manifest | None, bare: Manifest, root: Node, api_version: str
) -> list[Entry]:
    """The live entries. An object that was not tracked belongs to an unknown updater."""
    if live is None:
        return []
    entries = read(live["metadata"].get("managedFields") or []) or []
    if entries:
        return entries
    found = differences({"metadata": {}}, bare, root)
    if not found.added:
        return []
    unknown = Manager(BEFORE_FIRST_APPLY, UPDATE, api_version)
    return [new_entry(unknown, "", found.added)]


def _merged(live: Manifest | None, config: Manifest, root: Node) -> Manifest:
    if live is None:
        return config
    result: Manifest = merged(live, config, root)
    if result is live:
        return live
    kept = {key: value for key, value in live["metadata"].items() if key in _UNOWNED}
    mine: Manifest = {key: live[key] for key in ("apiVersion", "kind") if key in live}
    return {**result, **mine, "metadata": {**result["metadata"], **kept}}


def _let_go(last: Entry, claimed: FieldSet, others: list[Entry], root: Node) -> FieldSet:
    """What this manager applied before, does not any more, and nobody else owns."""
    managed = union(claimed, {"f:metadata": {"f:name": {}}})
    for entry in others:
        managed = union(managed, entry.fields)
    return surplus(last.fields, managed, root)


def _settled(others: list[Entry], found: Differences, force: bool) -> list[Entry]:
    """The other managers' entries once this apply has gone through; Conflict when it may not."""
    touched = union(found.modified, found.added)
    clashes = [
        (entry, clash)
        for entry in others
        if touched and (clash := intersection(entry.fields, touched))
    ]
    if clashes and not force:
        raise _conflict(clashes)
    if touched:
        others = changed(others, lambda fields: difference(fields, touched))
    if found.removed:
        others = changed(others, lambda fields: difference(fields, found.removed))
    return others


def _conflict(clashes: list[tuple[Entry, FieldSet]]) -> Conflict:
    said = [(entry.shown(), path) for entry, clash in clashes for path in paths(clash)]
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": path}
        for who, path in said
    ]
    if len(said) == 1:
        who, path = said[0]
        text = f"Apply failed with 1 conflict: conflict with {who}: {path}"
    else:
        lines = []
        for who in sorted({who for who, _ in said}):
            lines.append(f"conflicts with {who}:")
            lines.extend(f"- {path}" for owner, path in said if owner == who)
        text = f"Apply failed with {len(said)} conflicts: " + "\n".join(lines)
    return Conflict(text, {"causes": causes})


def _described(config: Manifest) -> str:
    metadata = config["metadata"]
    return (
        f"({metadata.get('namespace', '')}/{metadata.get('name', '')};"
        f" {config.get('apiVersion', '')}, Kind={config.get('kind', '')})"
    )


def _require_keys(value: Any, node: Node, path: str, what: str) -> None:
    """BadRequest when an item of a list map lacks a key, or two items have the same."""
    if value.__class__ is dict and not node.atomic:
        for key, inner in value.items():
            if inner.__class__ is dict or inner.__class__ is list:
                _require_keys(inner, node.child(key), f"{path}.{key}", what)
    elif value.__class__ is list and isinstance(node, List) and not node.atomic:
        seen: set[str] = set()
        for index, item in enumerate(value):
            fault = _key_fault(item, node, index, seen)
            if fault:
                raise BadRequest(f"failed to create typed patch object {what}: {path}: {fault}")
            _require_keys(item, node.items, f"{path}[{index}]", what)


def _key_fault(item: Any, node: List, index: int, seen: set[str]) -> str | None:
    if node.list_type == "map":
        if item.__class__ is not dict:
            return f"element {index}: associative list with keys may not have non-map elements"
        for name in node.keys:
            if key_value(item, name, node) is None:
                return (
                    f"element {index}: associative list with keys has an element that omits key"
                    f' field "{name}" (and doesn\'t have default value)'
                )
    key = element(item, node)
    if key in seen:
        return f"duplicate entries for key {next(paths({key: {}}))}"
    seen.add(key)
    return None
