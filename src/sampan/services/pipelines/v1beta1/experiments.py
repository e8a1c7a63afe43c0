"""Experiments in the words of v1beta1. Upstream: server/experiment_server.go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sampan.kube import meta
from sampan.kube.keys import Manifest
from sampan.kube.runs import AVAILABLE
from sampan.services.pipelines import experiments, listing, naming
from sampan.services.pipelines.call import EXPERIMENT, Call, Row
from sampan.services.pipelines.messages import compact
from sampan.services.pipelines.v1beta1 import messages, paging, references


async def create(call: Call) -> Mapping[str, Any]:
    given = await call.read(messages.EXPERIMENT)
    namespace = references.of(given, "NAMESPACE") or call.parts.namespace
    name, description = given.get("name", ""), given.get("description", "")
    return shown(await experiments.make(call, namespace, name, description))


async def get(call: Call) -> Mapping[str, Any]:
    return shown(await call.get(EXPERIMENT, call.path["experiment_id"]))


async def list_experiments(call: Call) -> Mapping[str, Any]:
    scope = await references.scope(call)
    wanted = paging.asked(call, listing.EXPERIMENTS, namespace=scope.namespace)
    there = await experiments.within(call, wanted.namespace)
    tie = "experiment_id"
    return paging.answer("experiments", wanted, there, experiments.shown, shown, tie=tie)


def shown(experiment: Manifest) -> dict[str, Any]:
    spec = experiment.get("spec") or {}
    return compact(
        id=meta.uid_of(experiment),
        name=naming.display_name_of(experiment),
        description=spec.get("description"),
        created_at=experiment["metadata"]["creationTimestamp"],
        resource_references=references.owner("NAMESPACE", meta.namespace_of(experiment)),
        storage_state=f"STORAGESTATE_{spec.get('storageState') or AVAILABLE}",
    )


_ONE = "apis/v1beta1/experiments/{experiment_id}"
ROWS: Sequence[Row] = (
    ("POST", "apis/v1beta1/experiments", create),
    ("GET", "apis/v1beta1/experiments", list_experiments),
    ("GET", _ONE, get),
    ("DELETE", _ONE, experiments.delete),
    ("POST", f"{_ONE}:archive", experiments.archive),
    ("POST", f"{_ONE}:unarchive", experiments.unarchive),
)
