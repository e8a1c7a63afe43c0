"""Experiments: what runs are gathered in; those that name none are in `Default`.

Archiving an experiment archives its runs and disables its recurring runs; it does not bring them
back. Upstream: server/experiment_server.go, resource_manager.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sampan.kube import meta, names
from sampan.kube.errors import AlreadyExists, ApiStatus, NotFound
from sampan.kube.keys import Key, Manifest
from sampan.kube.runs import ARCHIVED, AVAILABLE
from sampan.services.errors import EXISTS, Refused, invalid
from sampan.services.pipelines import listing, messages, naming
from sampan.services.pipelines.call import EXPERIMENT, RUN, SCHEDULED_WORKFLOW, Call, Row
from sampan.services.pipelines.lengths import check_length
from sampan.services.pipelines.messages import EPOCH, compact
from sampan.services.pipelines.trying import WORKFLOW

DEFAULT = "Default"
_ABOUT_DEFAULT = "Runs that name no experiment."


async def create(call: Call) -> Mapping[str, Any]:
    given = await call.read(messages.EXPERIMENT)
    made = await make(
        call,
        given.get("namespace") or call.parts.namespace,
        given.get("display_name", ""),
        given.get("description", ""),
    )
    return shown(made)


async def make(call: Call, namespace: str, name: str, description: str = "") -> Manifest:
    """Raises Refused: without a name, or when there is one of this name."""
    if not name:
        raise invalid("Experiment must have a non-empty name")
    check_length("Experiment", "Name", name)
    if call.parts.ids.named(names.EXPERIMENT, namespace, name):
        await call.check("create", EXPERIMENT, namespace)
        raise _exists(name)
    spec = {"displayName": name, "description": description, "storageState": AVAILABLE}
    manifest = {"metadata": {"name": naming.object_name(name)}, "spec": spec}
    try:
        return await call.create(EXPERIMENT, namespace, manifest)
    except AlreadyExists:
        raise _exists(name) from None


def _exists(name: str) -> Refused:
    return Refused(
        EXISTS, f"Failed to create a new experiment. The name {name} already exists. Please specify"
        " a new name",
    )  # fmt: skip


async def default(call: Call, namespace: str) -> str:
    """The id of the experiment for runs that name none."""
    async with call.parts.founding:
        found = call.parts.ids.named(names.EXPERIMENT, namespace, DEFAULT)
        if found is not None:
            return found.id
        try:
            return meta.uid_of(await make(call, namespace, DEFAULT, _ABOUT_DEFAULT))
        except Refused as refused:
            if refused.code != EXISTS:
                raise
        made = await call.kube.get(EXPERIMENT, namespace, naming.object_name(DEFAULT))
        return meta.uid_of(made)


async def within(call: Call, namespace: str) -> Sequence[Manifest]:
    """All of a namespace. Where requests go that name none the default one is among them from the
    first look on, unless the caller may not make it; upstream's is there once its server is."""
    if namespace == call.parts.namespace:
        with suppress(ApiStatus):
            await default(call, namespace)
    items: Sequence[Manifest] = (await call.kube.list(EXPERIMENT, namespace))["items"]
    return items


async def get(call: Call) -> Mapping[str, Any]:
    return shown(await call.get(EXPERIMENT, call.path["experiment_id"]))


async def list_experiments(call: Call) -> Mapping[str, Any]:
    wanted = call.asked(listing.EXPERIMENTS, namespace=call.namespace)
    found = await within(call, wanted.namespace)
    return listing.answer("experiments", wanted, found, shown, tie="experiment_id")


async def archive(call: Call) -> Mapping[str, Any]:
    id = call.path["experiment_id"]
    experiment = await _stored(call, ARCHIVED)
    namespace = meta.namespace_of(experiment)
    off = {"spec": {"enabled": False}}
    schedules = [
        call.kube.patch(SCHEDULED_WORKFLOW, namespace, meta.name_of(each), off)
        for each in (await call.kube.list(SCHEDULED_WORKFLOW, namespace))["items"]
        if (each.get("spec") or {}).get("experimentId") == id
    ]
    await call.parts.recorder.settled()
    runs = [
        _put_away(call, key) for key in await call.parts.records.archive_experiment(id, namespace)
    ]
    await asyncio.gather(*map(_unless_gone, (*schedules, *runs)))
    return {}


async def _put_away(call: Call, key: Key) -> None:
    if key.kind == names.RUN:
        archived: Manifest = {"spec": {"storageState": ARCHIVED}}
        await call.kube.patch(RUN, key.namespace, key.name, archived)
    else:
        archived = {"metadata": {"labels": {names.LABEL_STORAGE_STATE: ARCHIVED}}}
        await call.kube.patch(WORKFLOW, key.namespace, key.name, archived)


async def _unless_gone(work: Awaitable[object]) -> None:
    """Somebody may delete it meanwhile."""
    with suppress(NotFound):
        await work


async def unarchive(call: Call) -> Mapping[str, Any]:
    await _stored(call, AVAILABLE)
    return {}


async def _stored(call: Call, state: str) -> Manifest:
    key = call.key(EXPERIMENT, call.path["experiment_id"])
    patch = {"spec": {"storageState": state}}
    return await call.kube.patch(EXPERIMENT, key.namespace, key.name, patch)


async def delete(call: Call) -> Mapping[str, Any]:
    """Its runs stay."""
    id = call.path["experiment_id"]
    experiment = await call.get(EXPERIMENT, id)
    if naming.display_name_of(experiment) == DEFAULT:
        raise invalid(f"Failed to delete experiment {id}. The default experiment cannot be deleted")
    await call.delete(EXPERIMENT, id)
    return {}


def shown(experiment: Manifest) -> dict[str, Any]:
    spec = experiment.get("spec") or {}
    return compact(
        experiment_id=meta.uid_of(experiment),
        display_name=naming.display_name_of(experiment),
        description=spec.get("description"),
        created_at=experiment["metadata"]["creationTimestamp"],
        namespace=meta.namespace_of(experiment),
        storage_state=spec.get("storageState") or AVAILABLE,
        last_run_created_at=(experiment.get("status") or {}).get("lastRunCreatedAt") or EPOCH,
    )


_ONE = "apis/v2beta1/experiments/{experiment_id}"
ROWS: Sequence[Row] = (
    ("POST", "apis/v2beta1/experiments", create),
    ("GET", "apis/v2beta1/experiments", list_experiments),
    ("GET", _ONE, get),
    ("DELETE", _ONE, delete),
    ("POST", f"{_ONE}:archive", archive),
    ("POST", f"{_ONE}:unarchive", unarchive),
)
