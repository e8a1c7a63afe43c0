"""Events: POST something, and each WorkflowEventBinding that selects it submits its workflow.

They are dispatched before the answer, as the caller; when too many are under way, the next is told
to come again (503). What a binding selects and submits is decided by `kinds.workflows.binding`.
Upstream: argo-workflows server/event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from sampan.kinds.workflows import binding
from sampan.kube.errors import ApiStatus
from sampan.kube.keys import Manifest
from sampan.services.argo import creator
from sampan.services.argo.call import (
    CLUSTER_TEMPLATES,
    EVENT_BINDINGS,
    TEMPLATES,
    WORKFLOWS,
    Call,
)
from sampan.services.errors import INTERNAL, UNAVAILABLE, Refused

MOST = 20  # upstream's queue of 16 and its 4 workers


class Events:
    """Knows how many events are under way."""

    def __init__(self) -> None:
        self._under_way = 0

    async def receive(self, call: Call) -> Mapping[str, Any]:
        if self._under_way >= MOST:
            raise Refused(UNAVAILABLE, "operation queue full")
        self._under_way += 1
        try:
            await _dispatch(call)
        finally:
            self._under_way -= 1
        return {}


async def _dispatch(call: Call) -> None:
    """Raises Refused with what went wrong, when all bindings have had their turn."""
    found = await call.kube.list(EVENT_BINDINGS, call.namespace)
    event = binding.Event(
        namespace=call.namespace,
        discriminator=call.path["discriminator"],
        payload=call.payload,
        headers=_headers(call),
        now=call.moment.astimezone(UTC),
    )
    faults = []
    for each in found["items"]:
        try:
            await _submit(call, each, event)
        except (binding.Wrong, ApiStatus) as error:
            faults.append(str(error))
    if faults:
        raise Refused(INTERNAL, f"failed to dispatch event: [{' '.join(faults)}]")


async def _submit(call: Call, each: Manifest, event: binding.Event) -> None:
    if not binding.selects(each, event):
        return
    reference = each["spec"]["submit"]["workflowTemplateRef"]
    resource = CLUSTER_TEMPLATES if reference.get("clusterScope") else TEMPLATES
    template = await call.kube.get(resource, call.namespace, reference["name"])
    workflow = creator.created(binding.submission(each, event, template), call.caller)
    await call.kube.create(WORKFLOWS, call.namespace, workflow)


def _headers(call: Call) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for name, value in call.request.headers:
        found.setdefault(name, []).append(value)
    return found
