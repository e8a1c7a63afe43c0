"""`memoize`: outputs that were had before, kept in a ConfigMap, stand for a run of the template.

A cache is a ConfigMap labelled as one; an entry is JSON under the template's key: the node that
gave the outputs, the outputs, and when they were made and last used. A node notes in
`memoizationStatus` whether it was spared; one that was not and succeeds adds its outputs. A cache
that is full (a ConfigMap holds 1 MiB) takes no more: the node stays Succeeded, an Event tells.
Upstream: argo-workflows workflow/controller/cache/configmap_cache.go.
"""

from __future__ import annotations

import json
import re
from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows import nodes
from sampan.kinds.workflows.language import scopes
from sampan.kinds.workflows.language.arguments import compact
from sampan.kinds.workflows.language.faults import Missing
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.walk import Broken, Running, Walk
from sampan.kube import formats, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Apply, Emit, Patch
from sampan.kube.times import parse
from sampan.lib.gotime import durations

MOST = 1 << 20
"""Bytes of a ConfigMap's data, as Kubernetes allows."""
_KEY = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*")
_LABEL = names.LABEL_CONFIGMAP_TYPE


def recall(walk: Walk, running: Running, node: Node | None) -> Node | None:
    """The node, Succeeded, if the cache knows its outputs; else None, and the template runs."""
    if not running.template.get("memoize") or (node and "memoizationStatus" in node):
        return None
    for ended in walk.ended:  # a steps or dag of this look, too
        if (other := walk.by_id(ended)) is not None:
            remember(walk, other)
    try:
        memo = _filled(walk, running)
        entry = _entry(walk, memo)
    except Missing as fault:
        walk.fail(running.call, str(fault))
        raise Broken(str(fault)) from fault
    status = {"hit": entry is not None, "key": memo["key"], "cacheName": _cache(memo)}
    waited = walk.node(running.call.node)  # for a lock
    if entry is None:
        walk.memos[running.call.node] = status
        if waited is not None:
            walk.put({**waited, "memoizationStatus": status})
        return None
    found = waited or walk.begin(running, nodes.type_of(running.template), "Pending")
    found = {**found, "memoizationStatus": status}
    if entry.get("outputs"):
        found["outputs"] = entry["outputs"]
    walk.actions.append(_used(walk, memo, entry))
    return walk.put(nodes.turned(found, "Succeeded", walk.now, ""))


def _filled(walk: Walk, running: Running) -> dict[str, Any]:
    memo = running.template["memoize"]
    known = ChainMap(dict(running.scope), dict(walk.globals))
    return dict(scopes.fill(dict(memo), known))


def _cache(memo: Mapping[str, Any]) -> str:
    return str(((memo.get("cache") or {}).get("configMap") or {}).get("name") or "")


def _entry(walk: Walk, memo: Mapping[str, Any]) -> dict[str, Any] | None:
    """The entry that counts; None for a miss. Raises Missing."""
    if _KEY.fullmatch(str(memo.get("key") or "")) is None:
        raise Missing(f"invalid cache key: {memo.get('key') or ''}")
    if wrong := formats.dns_subdomain(_cache(memo)):
        raise Missing(f"invalid cache name '{_cache(memo)}': {wrong}")
    try:
        longest = durations.parse(memo["maxAge"]) / 1e9 if memo.get("maxAge") else None
    except ValueError as fault:
        raise Missing(f"invalid maxAge: {fault}") from fault
    found = walk.workflow.configmaps.get(_cache(memo))
    kept = (_checked(found).get("data") or {}) if found else {}
    text = walk.remembered.get((_cache(memo), memo["key"]), kept.get(memo["key"]))
    if not text:
        return None
    try:
        entry = json.loads(text)
        made = parse(entry["creationTimestamp"])
    except (ValueError, TypeError, KeyError, RecursionError) as fault:
        why = "malformed cache entry: could not unmarshal JSON; unable to parse"
        raise Missing(f"{why}: {fault}") from fault
    if longest is not None and (walk.workflow.now - made).total_seconds() > longest:
        return None
    return dict(entry) if entry.get("nodeID") else None


def _checked(cache: Manifest) -> Manifest:
    """The ConfigMap, if it is a cache. Raises Missing."""
    label = (cache["metadata"].get("labels") or {}).get(_LABEL)
    if label is None:
        why = f"memoization configmap doesn't have {_LABEL} label"
        raise Missing(f"{why}, refusing to use it")
    if label != names.CONFIGMAP_CACHE:
        why = f"memoization configmap doesn't have label {_LABEL} = {names.CONFIGMAP_CACHE}"
        raise Missing(f"{why}, refusing to use it")
    return cache


def _used(walk: Walk, memo: Mapping[str, Any], entry: Mapping[str, Any]) -> Patch:
    text = _text(entry["nodeID"], entry.get("outputs"), entry["creationTimestamp"], walk.now)
    return Patch(_key(walk, _cache(memo)), {"data": {memo["key"]: text}})


def remember(walk: Walk, node: Node) -> None:
    """Keep the outputs of a node that is over."""
    status = node.get("memoizationStatus") or {}
    if node["phase"] != "Succeeded" or status.get("hit") is not False:
        return
    name = status["cacheName"]
    text = _text(node["id"], node.get("outputs"), walk.now, walk.now)
    if walk.remembered.get((name, status["key"])) == text:
        return
    known = (walk.workflow.configmaps.get(name) or {}).get("data") or {}
    others = (k + v for k, v in known.items() if k != status["key"])
    size = sum(len(each.encode()) for each in (*others, text))
    if size > MOST:
        walk.actions.append(Emit("Warning", "CacheFull", _full(name, node)))
        return
    about = {"name": name, "namespace": walk.workflow.namespace}
    labels = {_LABEL: names.CONFIGMAP_CACHE}
    head = {"apiVersion": "v1", "kind": "ConfigMap"}
    walk.actions.append(Apply({**head, "metadata": {**about, "labels": labels}}))
    walk.actions.append(Patch(_key(walk, name), {"data": {status["key"]: text}}))
    walk.remembered[name, status["key"]] = text


def _full(name: str, node: Node) -> str:
    return f"error creating cache entry for {node['id']}: ConfigMap '{name}' holds {MOST} bytes"


def _key(walk: Walk, name: str) -> Key:
    return Key(names.CONFIG_MAP, walk.workflow.namespace, name)


def _text(node: str, outputs: Any, made: str, used: str) -> str:
    entry = {"nodeID": node, "outputs": outputs, "creationTimestamp": made}
    return compact({**entry, "lastHitTimestamp": used})
