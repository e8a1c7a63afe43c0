"""UiServer: the ASGI application that speaks the REST API of Katib's user interface.

    find the route -> ask the cluster as the caller -> JSON

Who calls is what the API server says of the Authorization header; `kubeflow-userid` counts for
nothing. It serves no pages. Errors are texts, as upstream's, with the codes of the API server.
Upstream: cmd/ui/v1beta1/main.go, pkg/ui/v1beta1/backend.go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from msgspec import Struct

from sampan.kube import katib, meta, names
from sampan.records.katib.log import Wanted
from sampan.records.katib.store import Store
from sampan.services.answering import answered, authorization
from sampan.services.errors import Refused, invalid, not_found
from sampan.services.http import Receive, Request, Scope, Send
from sampan.services.katib.ui import templates, views
from sampan.services.kube import POD, Kube, Resource, Transport

EXPERIMENT = Resource(names.KUBEFLOW_GROUP, "v1beta1", "experiments", "Experiment")
SUGGESTION = Resource(names.KUBEFLOW_GROUP, "v1beta1", "suggestions", "Suggestion")
TRIAL = Resource(names.KUBEFLOW_GROUP, "v1beta1", "trials", "Trial")
_MOST_LOG = 8 << 20
"""Bytes of a log that are shown: its end."""


class Call(Struct, frozen=True):
    request: Request
    kube: Kube
    store: Store

    def asked(self, name: str) -> str:
        """Of the query. Raises Refused."""
        found = self.request.query(name)
        if not found:
            raise invalid(f"no '{name}' query parameter was provided")
        return found

    async def data(self) -> Mapping[str, Any]:
        """The body. Raises Refused."""
        try:
            found = orjson.loads(await self.request.body())
        except orjson.JSONDecodeError as error:
            raise invalid(f"the body is no JSON: {error}") from error
        if not isinstance(found, dict):
            raise invalid("the body is no JSON object")
        return found


class UiServer:
    """`below` is the path that the server lives under, such as /katib."""

    def __init__(self, transport: Transport, store: Store, *, below: str = "") -> None:
        self._transport = transport
        self._store = store
        self._below = below

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await answered(Request(scope, receive, send), self._serve, _refuse)

    async def _serve(self, request: Request) -> None:
        path = [each for each in request.segments(self._below) if each]
        method, handler = _ROUTES.get(path[0] if len(path) == 1 else "", ("", None))
        if handler is None:
            raise not_found("Not Found")
        if request.method != method and (request.method, method) != ("HEAD", "GET"):
            await request.answer(405, b"Method Not Allowed\n", "text/plain", [("allow", method)])
            return
        kube = Kube(self._transport, authorization(request))
        await request.json(200, await handler(Call(request, kube, self._store)))


async def _refuse(request: Request, refused: Refused) -> None:
    text = f"{refused.message}\n".encode()
    await request.answer(refused.http, text, "text/plain; charset=utf-8")


async def _experiments(call: Call) -> Any:
    found = await call.kube.list(EXPERIMENT, call.asked("namespace"))
    return [views.experiment(each) for each in found["items"]]


async def _create(call: Call) -> Any:
    made = (await call.data()).get("postData")
    if not isinstance(made, dict) or not isinstance(made.get("metadata"), dict):
        raise invalid("Couldn't load the 'postData' field of the request's data")
    namespace = made["metadata"].get("namespace")
    if not namespace or not isinstance(namespace, str):
        raise invalid("'postData' has no metadata.namespace")
    return await call.kube.create(EXPERIMENT, namespace, made)


async def _delete(call: Call) -> Any:
    """Answers with those that are left in the namespace; upstream with those of all."""
    namespace, name = call.asked("namespace"), call.asked("experimentName")
    await call.kube.delete(EXPERIMENT, namespace, name)
    found = await call.kube.list(EXPERIMENT, namespace)
    left = (each for each in found["items"] if meta.name_of(each) != name)
    return [views.experiment(each) for each in left]


def _one(resource: Resource, parameter: str) -> Callable[[Call], Awaitable[Any]]:
    async def one(call: Call) -> Any:
        return await call.kube.get(resource, call.asked("namespace"), call.asked(parameter))

    return one


async def _trials(call: Call) -> Any:
    namespace, name = call.asked("namespace"), call.asked("experimentName")
    experiment = await call.kube.get(EXPERIMENT, namespace, name)
    ours = {"labelSelector": f"{names.LABEL_KATIB_EXPERIMENT}={name}"}
    found = await call.kube.list(TRIAL, namespace, ours)
    return views.trials(experiment, found["items"])


async def _metrics(call: Call) -> Any:
    trial = await call.kube.get(TRIAL, call.asked("namespace"), call.asked("trialName"))
    return views.log(trial, await call.store.log(meta.uid_of(trial), Wanted()))


async def _logs(call: Call) -> Any:
    namespace = call.asked("namespace")
    trial = await call.kube.get(TRIAL, namespace, call.asked("trialName"))
    spec = trial.get("spec") or {}
    wanted = {names.LABEL_TRIAL: meta.name_of(trial), **(spec.get("primaryPodLabels") or {})}
    selector = ",".join(f"{name}={value}" for name, value in wanted.items())
    pods = (await call.kube.list(POD, namespace, {"labelSelector": selector}))["items"]
    pod = views.pod_of(pods)
    if pod is None:
        raise not_found(_PENDING if pods else _GONE)
    kind = ((spec.get("metricsCollector") or {}).get("collector") or {}).get("kind")
    container = katib.LOGGER if kind == "StdOut" else str(spec.get("primaryContainerName") or "")
    path = POD.path(namespace, meta.name_of(pod), "log")
    text = bytearray()
    async with call.kube.stream(path, {"container": container}) as pieces:
        async for piece in pieces:
            text += piece
            del text[:-_MOST_LOG]
    return text.decode(errors="replace")


_PENDING = "Failed to get logs for this Trial. Pod is in the Pending or Unknown state."
_GONE = (
    "Failed to find logs for this Trial: it has no pod. Pods stay where"
    ' "spec.trialTemplate.retain" of the Experiment is true.'
)


async def _namespaces(call: Call) -> Any:
    return await templates.namespaces(call.kube)


async def _templates(call: Call) -> Any:
    return await templates.listed(call.kube)


def _changing(
    change: Callable[[Kube, Mapping[str, Any]], Awaitable[Any]],
) -> Callable[[Call], Awaitable[Any]]:
    async def changed(call: Call) -> Any:
        return await change(call.kube, await call.data())

    return changed


_ROUTES: Mapping[str, tuple[str, Callable[[Call], Awaitable[Any]]]] = {
    "fetch_experiments": ("GET", _experiments),
    "fetch_experiment": ("GET", _one(EXPERIMENT, "experimentName")),
    "create_experiment": ("POST", _create),
    "delete_experiment": ("DELETE", _delete),
    "fetch_trial": ("GET", _one(TRIAL, "trialName")),
    "fetch_suggestion": ("GET", _one(SUGGESTION, "suggestionName")),
    "fetch_hp_job_info": ("GET", _trials),
    "fetch_hp_job_trial_info": ("GET", _metrics),
    "fetch_trial_logs": ("GET", _logs),
    "fetch_namespaces": ("GET", _namespaces),
    "fetch_trial_templates": ("GET", _templates),
    "add_template": ("POST", _changing(templates.add)),
    "edit_template": ("POST", _changing(templates.edit)),
    "delete_template": ("POST", _changing(templates.delete)),
}
