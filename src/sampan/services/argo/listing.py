"""Lists of workflows: those that are there and then the archived ones, as pages of one list.

The newest start comes first; a page's items are sorted once more, running ones first, as upstream
does. `continue` is a number: how many items came before. Upstream: server/workflow ListWorkflows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sampan.kube import names
from sampan.kube.errors import Forbidden
from sampan.kube.keys import Manifest
from sampan.records import selection
from sampan.records.selection import Selection, moment
from sampan.services.argo import fields
from sampan.services.argo.call import WORKFLOWS, Call
from sampan.services.argo.errors import denied

ARCHIVED = "Archived"
"""The archiving status of a workflow that the archive has; it is listed from there."""


class Archive(Protocol):
    """What the services ask of the archive (`sampan.records.archive`)."""

    async def select(self, wanted: Selection) -> Sequence[Manifest]:
        """The newest start first; without nodes and templates."""
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
    found = [
        item
        for item in answer["items"]
        if wanted.matches(item) and not (archive and _archiving(item) == ARCHIVED)
    ]
    found.sort(key=lambda each: started(each), reverse=True)
    end = wanted.offset + wanted.limit if wanted.limit else None
    page = found[wanted.offset if wanted.limit else 0 : end]
    meta: dict[str, Any] = {"resourceVersion": answer["metadata"].get("resourceVersion", "")}
    more = bool(wanted.limit) and len(found) > wanted.offset + len(page)
    if archive is not None and not more:
        page += await _rest(archive, wanted, len(found), len(page))
    remaining = len(found) - wanted.offset - len(page)
    if wanted.limit and archive is not None and (wanted.counted or not more):
        remaining += await archive.count(wanted.page(0, 0))
    if wanted.counted:
        meta["remainingItemCount"] = max(remaining, 0)
    if wanted.limit and remaining > 0:
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


async def _rest(archive: Archive, wanted: Selection, live: int, shown: int) -> Sequence[Manifest]:
    if not wanted.limit:
        return await archive.select(wanted)
    room = wanted.limit - shown
    if room <= 0:
        return ()
    return await archive.select(wanted.page(room, max(wanted.offset - live, 0)))


def _archiving(workflow: Manifest) -> str:
    labels = workflow["metadata"].get("labels") or {}
    return str(labels.get(names.LABEL_ARCHIVING) or "")


def started(workflow: Manifest) -> Any:
    return moment((workflow.get("status") or {}).get("startedAt"))


def _order(workflow: Manifest) -> tuple[bool, float]:
    """Those that run come first, the newest before the older ones; then the last that finished."""
    finished = (workflow.get("status") or {}).get("finishedAt")
    at = moment(finished or workflow["metadata"].get("creationTimestamp"))
    return bool(finished), -at.timestamp()
