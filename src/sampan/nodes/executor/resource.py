"""`argoexec resource`: do something to an object as the pod's service account, and see it through.

    the verb -> until successCondition holds, or failureCondition does -> output parameters

Conditions are label selectors whose keys are paths into the object; failure goes first. The object
is looked at whenever it changes; that it has changed is heard from the cluster, what it is now is
asked as the service account. Upstream: argo-workflows workflow/executor/resource.go,
cmd/argoexec/commands/resource.go.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from sampan.engine.cluster import Change
from sampan.kube import selectors
from sampan.kube.errors import ApiStatus, BadRequest
from sampan.kube.keys import Manifest
from sampan.kube.selectors import Requirement
from sampan.lib import gjson, jsonpath, yaml
from sampan.lib.expr.texts import to_json
from sampan.lib.later import later
from sampan.nodes.account import Api, token_of
from sampan.nodes.executor import flags, results
from sampan.nodes.executor.job import Failed, Job
from sampan.nodes.executor.kubectl import Kubectl, Place

FILE = "/tmp/manifest.yaml"
"""Where upstream's executor keeps the manifest: its messages say so."""
_LOOK = 5.0
"""Seconds after which an object is looked at again, whether or not anything was heard."""
_LARGEST = 10 << 20
_ACTED = "acted"
_GONE = "The resource has been deleted while its status was still being checked"
_T = TypeVar("_T")


async def run(job: Job) -> None:
    outputs = dict(job.template.get("outputs") or {})
    outputs.pop("artifacts", None)
    try:
        await _unless_told(job, _carry_out(job, outputs))
    except ApiStatus as error:
        raise Failed(error.message) from error
    finally:
        body: Manifest = {"outputs": outputs} if outputs else {}
        await results.report(job, body, complete=True)


async def _unless_told(job: Job, work: Coroutine[Any, Any, None]) -> None:
    """Work, until somebody asks us to end. Raises Failed then."""
    working, told = asyncio.ensure_future(work), asyncio.ensure_future(job.told.wait())
    try:
        await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Failed("context canceled")
        working.result()
    finally:
        told.cancel()
        working.cancel()


async def _carry_out(job: Job, outputs: Manifest) -> None:
    body = job.template.get("resource") or {}
    action = body.get("action") or ""
    declared = outputs.get("parameters") or []
    conditions = bool(body.get("successCondition") or body.get("failureCondition"))
    if action == "delete" and (conditions or declared):
        raise Failed(
            "successCondition, failureCondition and outputs are not supported for delete action"
        )
    given = [str(each) for each in body.get("flags") or ()]
    text, file = await asyncio.to_thread(_manifest, job, body)
    if not text and not given:
        raise Failed("Must provide at least one of flags or manifest.")
    read = flags.read(given)
    kubectl = Kubectl(_api(job), job.manifest["metadata"]["namespace"], read, file)
    place = await once(job.directory, lambda: _Action(kubectl, read, text).run(action, body))
    if action == "delete":
        return
    if place is None:
        _default(declared)
        return
    job.log(f"level=info msg={f'Resource {place.key.kind.lower()}/{place.name}'!r}")
    live = await _until(job, kubectl, place, body)
    if declared:
        await _outputs(kubectl, place, declared, live)


async def once(directory: Path, act: Callable[[], Awaitable[Place | None]]) -> Place | None:
    """Act, unless that was done before the control plane was killed: what it has made is noted."""
    note = directory / _ACTED
    with contextlib.suppress(FileNotFoundError):
        return msgspec.json.decode(note.read_bytes(), type=Place | None)
    try:
        place = await act()
    except Failed as fault:
        raise Failed(f"no more retries {fault}") from fault
    draft = note.with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(place))
    draft.replace(note)
    return place


def _api(job: Job) -> Api:
    if job.server is None:
        raise Failed("this node does not know its API server")
    return Api(job.server, lambda: token_of(job.cluster, job.manifest))


def _manifest(job: Job, body: Manifest) -> tuple[str, str]:
    """The text of the manifest, and where it lies in the container."""
    source = ((body.get("manifestFrom") or {}).get("artifact") or {}).get("name")
    if not source:
        return body.get("manifest") or "", FILE
    for artifact in (job.template.get("inputs") or {}).get("artifacts") or ():
        if artifact["name"] == source:
            path = artifact["path"]
            try:
                data = job.view.read(path, _LARGEST + 1)
            except OSError as error:
                raise Failed(f"open {path}: {error.strerror}") from error
            if len(data) > _LARGEST:
                raise Failed(f"the manifest in {path} is longer than {_LARGEST} bytes")
            return data.decode(errors="replace"), path
    raise Failed(f"there is no input artifact {source!r} with the manifest")


class _Action:
    """One verb on the objects that flags or the manifest name."""

    def __init__(self, kubectl: Kubectl, given: flags.Flags, text: str) -> None:
        self._kubectl = kubectl
        self._flags = given
        self._text = text

    async def run(self, action: str, body: Manifest) -> Place | None:
        """Where the object is now; None when there is none. Raises Failed."""
        match action:
            case "patch":
                return await self._patch(body.get("mergeStrategy") or "strategic")
            case "delete":
                for place in await self._places():
                    await self._kubectl.delete(place)
                return None
            case "get":
                place = _only(await self._places())
                return _found(place, await self._kubectl.get(place))
            case "create" | "apply" | "replace":
                manifest = _only(self._kubectl.documents(self._text))
                place = await self._kubectl.place_of(manifest)
                verb = getattr(self._kubectl, action)
                return _found(place, await verb(place, manifest))
        raise Failed(f'error: unknown command "{action}" for "kubectl"')

    async def _places(self) -> list[Place]:
        found = [await self._kubectl.named(*target) for target in self._flags.targets]
        if self._text:
            if found:
                raise Failed("error: resource and files cannot be given at the same time")
            listed = self._kubectl.documents(self._text)
            found = [await self._kubectl.place_of(each) for each in listed]
        if not found:
            raise Failed("error: You must provide one or more resources by argument or filename.")
        return found

    async def _patch(self, strategy: str) -> Place | None:
        try:
            patch = yaml.load(self._text or self._flags.set.get("--patch") or "{}")
        except yaml.YamlError as error:
            raise Failed(f"error: {error}") from None
        whole = isinstance(patch, dict) and patch.get("kind") is not None
        if strategy == "json" or (self._flags.targets and not whole):
            if not self._flags.targets:
                raise Failed("error: must specify at least one resource or filename to patch")
            place = _only([await self._kubectl.named(*each) for each in self._flags.targets])
        else:
            place = await self._kubectl.place_of(_only(self._kubectl.documents(self._text)))
        return _found(place, await self._kubectl.patch(place, patch, strategy))


def _only(found: Sequence[_T]) -> _T:
    if len(found) != 1:
        raise Failed(f"error: a resource template is about one object, not {len(found)}")
    return found[0]


def _found(place: Place, made: Manifest | None) -> Place | None:
    if made is None:
        return None
    about = made.get("metadata") or {}
    return Place(place.resource, place.version, about.get("namespace") or "", about["name"])


# -- conditions -----------------------------------------------------------------------------------
class _Object(dict[str, str]):
    """An object as a set of labels: a key is a path."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__()
        self._manifest = manifest

    def get(self, key: str, default: Any = None) -> Any:
        try:
            found = gjson.look(self._manifest, key)
        except gjson.Mistake as mistake:
            raise Failed(f"condition '{key}': {mistake}") from None
        return default if found is gjson.MISSING else gjson.text_of(found)


def requirements(condition: str, what: str) -> tuple[Requirement, ...]:
    """The terms of a condition. Raises Failed."""
    if not condition:
        return ()
    try:
        return selectors.parse_labels(condition).requirements
    except BadRequest as error:
        raise Failed(f"{what} condition '{condition}' failed to parse: {error.message}") from None


def holds(
    manifest: Manifest, success: Sequence[Requirement], failure: Sequence[Requirement]
) -> bool:
    """Whether an object is what was waited for. Failed when it is what was not hoped for."""
    seen = _Object(manifest)
    for each in failure:
        if each.holds(seen):
            raise Failed(f"failure condition '{_shown(each)}' evaluated true")
    return all(each.holds(seen) for each in success)


def _shown(term: Requirement) -> str:
    match term.op:
        case "in" | "notin" if len(term.values) > 1:
            return f"{term.key} {term.op} ({','.join(sorted(term.values))})"
        case "exists":
            return term.key
        case "!":
            return f"!{term.key}"
    signs = {"in": "=", "notin": "!=", "gt": ">", "lt": "<"}
    return f"{term.key}{signs[term.op]}{''.join(term.values)}"


async def _until(job: Job, kubectl: Kubectl, place: Place, body: Manifest) -> Manifest | None:
    """The object when the conditions hold; None when there are none."""
    success = requirements(body.get("successCondition") or "", "success")
    failure = requirements(body.get("failureCondition") or "", "fail")
    if not success and not failure:
        return None
    async with _changes(job, place) as changed:
        while True:
            changed.clear()
            live = await kubectl.get(place)
            if live is None:
                raise Failed(_GONE)
            if holds(live, success, failure):
                return live
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), _LOOK)


@contextlib.asynccontextmanager
async def _changes(job: Job, place: Place) -> AsyncIterator[asyncio.Event]:
    """Set when the object may have changed; never, where the cluster is not at hand."""
    changed = asyncio.Event()

    def heard(change: Change) -> None:
        if change.key == place.key:
            changed.set()

    try:
        stop = job.cluster.subscribe(place.key.kind, heard)
    except (ApiStatus, LookupError):
        yield changed
        return
    try:
        yield changed
    finally:
        stop()


# -- outputs --------------------------------------------------------------------------------------
def _default(declared: list[dict[str, Any]]) -> None:
    """Nothing was found: parameters take their defaults, or nothing."""
    for each in declared:
        if (source := each.get("valueFrom")) is not None:
            each["value"] = str(source.get("default", ""))


async def _outputs(
    kubectl: Kubectl, place: Place, declared: list[dict[str, Any]], live: Manifest | None
) -> None:
    for each in declared:
        source = each.get("valueFrom") or {}
        path, program = source.get("jsonPath"), source.get("jqFilter")
        if not path and not program:
            continue
        if live is None:
            live = await kubectl.get(place)
        each["value"] = await asyncio.to_thread(value_of, live, path or "", program or "")


def value_of(live: Manifest | None, path: str, program: str) -> str:
    """What a JSONPath finds in an object, or else what a jq program makes of it. Raises Failed."""
    try:
        if path:
            return jsonpath.compile(path).render(live)
        found = later("sampan.lib.jq").run(program, live)
    except ValueError as mistake:
        raise Failed(str(mistake)) from None
    return "\n".join(each if isinstance(each, str) else to_json(each) for each in found).strip()
