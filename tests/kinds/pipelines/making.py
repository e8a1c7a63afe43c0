"""Short ways to write runs of pipelines and to walk them in the toy cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kinds.pipelines.ir.making import spec
from kinds.toy import Toy, phase_of
from sampan.kinds.pipelines import COMPONENT
from sampan.kube import launcher, meta, names
from sampan.kube.keys import Key, Manifest, key_of

RUN = Key(names.RUN, "u", "r")
TEXT = {"parameters": {"text": {"parameterType": "STRING"}}}
Result = Mapping[str, Any]
"""Parameters that a program gives; an exit code: it fails."""


def task(component: str = "work", *after: str, **fields: Any) -> dict[str, Any]:
    made = {"componentRef": {"name": component}, "taskInfo": {"name": component}, **fields}
    return {**made, "dependentTasks": list(after)} if after else made


def given(**sources: Any) -> dict[str, Any]:
    """inputs of a task: `("task", "key")` is an output, `"name"` an input, anything else is not."""
    return {"inputs": {"parameters": {key: _source(each) for key, each in sources.items()}}}


def _source(source: Any) -> dict[str, Any]:
    match source:
        case (producer, key):
            return {"taskOutputParameter": {"producerTask": producer, "outputParameterKey": key}}
        case str():
            return {"componentInputParameter": source}
        case _:
            return {"runtimeValue": {"constant": source}}


def anyway(component: str, *after: str, **fields: Any) -> dict[str, Any]:
    """An exit task."""
    policy = {"triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}}
    return task(component, *after, **policy, **fields)


def loop(component: str, items: str, *after: str, limit: int = 0, **fields: Any) -> dict[str, Any]:
    """A loop over a JSON text; the item is the input `item`."""
    over = {"parameterIterator": {"items": {"raw": items}, "itemInput": "item"}}
    policy = {"iteratorPolicy": {"parallelismLimit": limit}} if limit else {}
    return task(component, *after, **over, **policy, **fields)


def maker(name: str = "out", type: str = "STRING", **more: Any) -> dict[str, Any]:
    """A component whose program gives a parameter."""
    return {"outputDefinitions": {"parameters": {name: {"parameterType": type}}}, **more}


def run(
    root: dict[str, Any], *, parameters: Any = None, platform: Any = None, **components: Any
) -> Manifest:
    """Tasks are `work` unless they say otherwise."""
    body: dict[str, Any] = {"pipelineSpec": spec(root, **{"work": {}, **components})}
    if parameters is not None:
        body["runtimeConfig"] = {"parameters": parameters}
    if platform is not None:
        body["platformSpec"] = {"platforms": {"kubernetes": platform}}
    return {
        "apiVersion": f"{names.PIPELINES_GROUP}/v2beta1",
        "kind": "Run",
        "metadata": {"name": "r", "namespace": "u"},
        "spec": body,
    }


def started(manifest: Manifest, *, admitted: bool = True) -> Toy:
    """admitted: whether admission sees it; what it lets through today it may not tomorrow."""
    toy = Toy(COMPONENT)
    if not admitted:
        toy.rules = {}
    toy.create(manifest)
    toy.settle()
    return toy


def status(toy: Toy) -> dict[str, Any]:
    return dict(toy.objects[RUN].get("status") or {})


def state(toy: Toy) -> str:
    return str(status(toy).get("state"))


def tasks(toy: Toy) -> dict[str, Any]:
    return dict(status(toy).get("tasks") or {})


def states(toy: Toy) -> dict[str, str]:
    """States by path, the root's apart."""
    return {path: entry["state"] for path, entry in tasks(toy).items() if path}


def path_of(pod: Manifest) -> str:
    return pod["metadata"]["annotations"][names.ANNOTATION_TASK_PATH]


def living(toy: Toy) -> list[str]:
    """The tasks whose pods are not over."""
    return sorted(path_of(pod) for pod in toy.running())


def finish(toy: Toy, **ends: Any) -> Toy:
    """Run all pods to their end. `ends` by name of task, dashes as `_`: what it gives, a mapping;
    a list has one for each attempt; a number: it exits so; None: it goes on."""
    while _step(toy, ends):
        pass
    return toy


def _step(toy: Toy, ends: Mapping[str, Any]) -> bool:
    moved = toy.step_pods(lambda _: None)
    for pod in toy.running():
        if phase_of(pod) == "Running" and (end := _end(pod, ends)) is not None:
            close(toy, pod, end)
            moved += 1
    return bool(moved)


def _end(pod: Manifest, ends: Mapping[str, Any]) -> Any:
    last = next(part for part in reversed(path_of(pod).split("/")) if not part.startswith("["))
    found = ends.get(last.replace("-", "_"), {})
    if isinstance(found, list):
        asked = launcher.task_of(pod)
        found = found[asked.retryIndex if asked else 0]
    return found(pod) if callable(found) else found


def close(toy: Toy, pod: Manifest, end: Any) -> None:
    """End a pod: with an exit code, or with these parameters."""
    if isinstance(end, int):
        toy.run_pod(pod, "Failed", exit_code=end)
    else:
        toy.run_pod(pod, "Succeeded")
        ended = toy.objects[key_of(pod)]
        message, _ = launcher.encode_result(launcher.Result(parameters=dict(end)))
        for each in ended["status"]["containerStatuses"]:
            each["state"]["terminated"]["message"] = message
    toy.settle()


def inputs(pod: Manifest) -> dict[str, Any]:
    """The parameters that a program is given."""
    asked = launcher.task_of(pod)
    assert asked is not None
    return dict(asked.executorInput["inputs"].get("parameterValues") or {})


def pod_of(toy: Toy, path: str) -> Manifest:
    """The newest pod of a task."""
    name = tasks(toy)[path]["pod"]
    return next(pod for pod in toy.pods() if meta.name_of(pod) == name)


Ends = Callable[[Manifest], Any]
