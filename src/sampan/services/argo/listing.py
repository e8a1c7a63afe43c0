"""Lists of workflows: those that are there and then those that only the archive has, as pages of
one list. (Upstream lists all that are archived from there, and so without their nodes.)

The newest start comes first; a page's items are sorted once more, running ones first, as upstream
does. `continue` is a number: how many items came before. Upstream: server/workflow ListWorkflows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sampan.kube.errors import Forbidden
from sampan.kube.keys import Manifest
from sampan.records import selection
from sampan.records.selection import Selection, moment
from sampan.services.argo import fields
from sampan.services.argo.call import WORKFLOWS, Call
from sampan.services.errors import denied


class Archive(Protocol):
    """What the services ask of the archive (`sampan.records.archive`)."""

    async def uids(self, wanted: Selection) -> Sequence[str]:
        """Of those that are meant, the newest start first."""
        ...

    async def summaries(self, uids: Sequence[str]) -> Sequence[Manifest]:
        """Without nodes and templates, in the order of the uids."""
        ...

    async def count(self, wanted: Selection) -> int: ...

    async def get(self, *, uid: str = "", namespace: str = "", name: str = "") -> Manifest | None:
        """By uid, or the latest of a name."""
        ...

    async def delete(self, uid: str) -> None: ...

    async def label_keys(self, namespace: str) -> Sequence[str]:
        """Of one namespace, or "" for all."""
        ...

    async def label_values(self, namespace: str, key: str) -> Sequence[str]: ...


async def list_workflows(call: Call, archive: Archive | None) -> Mapping[str, Any]:
    wanted = asked(call)
    answer = await live(call, wanted)
    found = [item for item in answer["items"] if wanted.matches(item)]
    found.sort(key=started, reverse=True)
    end = wanted.offset + wanted.limit if wanted.limit else None
    page = found[wanted.offset if wanted.limit else 0 : end]
    total = len(found)
    full = bool(wanted.limit) and total > wanted.offset + wanted.limit
    if archive is not None and not (full and not wanted.counted):
        there = {item["metadata"]["uid"] for item in answer["items"]}
        kept = [u for u in await archive.uids(wanted.page(0, 0)) if u not in there]
        first = max(wanted.offset - total, 0) if wanted.limit else 0
        last = first + wanted.limit - len(page) if wanted.limit else None
        page += await archive.summaries(kept[first:last])
        total += len(kept)
    meta: dict[str, Any] = {"resourceVersion": answer["metadata"].get("resourceVersion", "")}
    remaining = max(total - wanted.offset - len(page), 0) if wanted.limit else 0
    if wanted.counted:
        meta["remainingItemCount"] = remaining
    if remaining:
        meta["continue"] = str(wanted.offset + len(page))
    return cleaned(call, {"metadata": meta, "items": sorted(page, key=_order)})


def asked(call: Call, *, archived: bool = False) -> Selection:
    """What the query means. Raises BadRequest, Refused."""
    return selection.of(
        namespace=call.query("namespace") if archived else call.namespace,
        name_prefix=call.query("namePrefix") if archived else "",
        name_filter=call.query("nameFilter"),
        created_after=call.query("createdAfter"),
        finished_before=call.query("finishedBefore"),
        labels=call.query("listOptions.labelSelector"),
        fields=call.query("listOptions.fieldSelector"),
        limit=call.number("listOptions.limit"),
        continued=call.query("listOptions.continue"),
    )


async def live(call: Call, wanted: Selection) -> Mapping[str, Any]:
    """The workflows of the namespace, as the caller may see them. Raises Refused."""
    labels = call.query("listOptions.labelSelector")
    try:
        return await call.kube.list(
            WORKFLOWS, wanted.namespace, {"labelSelector": labels} if labels else {}
        )
    except Forbidden:
        raise forbidden(wanted.namespace) from None


def forbidden(namespace: str) -> Exception:
    return denied(
        f'Permission denied, you are not allowed to list workflows in namespace "{namespace}".'
        f" Maybe you want to specify a namespace with query parameter `.namespace={namespace}`?"
    )


def cleaned(call: Call, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The list without what `fields` does not want; what clients take for granted stays."""
    wanted = fields.parse(call.query("fields"))
    if not wanted.paths:
        return answer
    kept = wanted.of(answer)
    items = [whole(item) for item in kept.get("items") or ()]
    return {"metadata": {}, **kept, "items": items}


def whole(workflow: Mapping[str, Any]) -> Mapping[str, Any]:
    """With the fields that Go always writes."""
    return {"metadata": {}, "spec": {}, "status": {}, **workflow}


def started(workflow: Manifest) -> Any:
    return moment((workflow.get("status") or {}).get("startedAt"))


def _order(workflow: Manifest) -> tuple[bool, float]:
    """Those that run come first, the newest before the older ones; then the last that finished."""
    finished = (workflow.get("status") or {}).get("finishedAt")
    at = moment(finished or workflow["metadata"].get("creationTimestamp"))
    return bool(finished), -at.timestamp()
