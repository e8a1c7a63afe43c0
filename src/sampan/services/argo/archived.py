"""The archive of workflows: list, get, delete, labels. Who may see a workflow may see it archived.

Without an archive the lists are empty and nothing is found. Upstream: server/workflowarchive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kube.keys import Manifest
from sampan.kube.selectors import parse_labels
from sampan.services.argo.call import WORKFLOWS, Call
from sampan.services.argo.listing import Archive, asked, forbidden
from sampan.services.errors import denied, invalid, not_found


async def list_archived(call: Call, archive: Archive | None) -> Mapping[str, Any]:
    wanted = asked(call, archived=True)
    target = "" if wanted.not_namespace else wanted.namespace
    if not await call.kube.may_i("list", WORKFLOWS, target):
        raise forbidden(target)
    if archive is None:
        return {"metadata": {}, "items": []}
    more = wanted.limit + 1 if wanted.limit else 0  # one more tells whether there is another page
    uids = await archive.uids(wanted.page(more, wanted.offset))
    items = list(await archive.summaries(uids))
    meta: dict[str, Any] = {}
    if wanted.counted and wanted.limit:
        total = await archive.count(wanted.page(0, 0))
        shown = min(len(items), wanted.limit)
        meta["remainingItemCount"] = max(total - wanted.offset - shown, 0)
    if wanted.limit and len(items) > wanted.limit:
        items = items[: wanted.limit]
        meta["continue"] = str(wanted.offset + wanted.limit)
    return {"metadata": meta, "items": items}


async def get(call: Call, archive: Archive | None) -> Manifest:
    return await found(call, archive, "get")


async def delete(call: Call, archive: Archive | None) -> Mapping[str, Any]:
    workflow = await found(call, archive, "delete")
    assert archive is not None
    await archive.delete(workflow["metadata"]["uid"])
    return {}


async def found(call: Call, archive: Archive | None, verb: str) -> Manifest:
    """The archived workflow that is meant, if the caller may. Raises Refused."""
    uid, name = call.path["uid"], call.query("name") or call.text("name")
    namespace = call.query("namespace") or call.text("namespace")
    kept = None
    if archive is not None and name and namespace and verb != "get":
        kept = await archive.get(namespace=namespace, name=name)
    elif archive is not None:
        kept = await archive.get(uid=uid)
    if kept is None:
        raise not_found()
    meta = kept["metadata"]
    for needed in {"get", verb}:
        if not await call.kube.may_i(needed, WORKFLOWS, meta["namespace"], meta["name"]):
            raise denied()
    return kept


async def label_keys(call: Call, archive: Archive | None) -> Mapping[str, Any]:
    namespace = await _listed(call)
    return {"items": list(await archive.label_keys(namespace)) if archive else []}


async def label_values(call: Call, archive: Archive | None) -> Mapping[str, Any]:
    selector = parse_labels(call.query("listOptions.labelSelector"))
    if len(selector.requirements) != 1:
        count = len(selector.requirements)
        raise invalid(f"only allow 1 labelRequirement, found {count}")
    term = selector.requirements[0]
    if term.op != "exists":
        raise invalid(f"operation {term.op} is not supported")
    namespace = await _listed(call)
    return {"items": list(await archive.label_values(namespace, term.key)) if archive else []}


async def _listed(call: Call) -> str:
    """The namespace whose labels are asked for, "" for all; only who may list its workflows is
    told. (Upstream tells everybody the labels of all.)"""
    namespace = call.query("namespace")
    if not await call.kube.may_i("list", WORKFLOWS, namespace):
        raise forbidden(namespace)
    return namespace
