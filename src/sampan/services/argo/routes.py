"""Routes: which function answers which path. The table is upstream's swagger, in its order.

A path is compared part by part: `{name}` takes any one part. Of several patterns that match, the
one that begins like the path for longest is taken, so `workflows/{namespace}/lint` before
`workflows/{namespace}/{name}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from sampan.artifacts import Artifacts
from sampan.services.argo import (
    archived,
    changes,
    info,
    listing,
    logs,
    submit,
    sync,
    templates,
    watching,
    workflows,
)
from sampan.services.argo.call import EVENT_BINDINGS, Call, Handler
from sampan.services.argo.downloads import Downloads
from sampan.services.argo.events import Events
from sampan.services.argo.listing import Archive
from sampan.services.errors import UNIMPLEMENTED, Refused
from sampan.services.table import Table

_NAMESPACE = "{namespace}"
_FILES = "artifact-files"
_IN_FILES = (
    "namespace", "idDiscriminator", "id", "nodeId", "artifactDiscriminator", "artifactName",
)  # fmt: skip
_MAY_BE_EMPTY = ("namespace", "discriminator")
"""No namespace is all of them; the other is what tells events apart."""


class Routes:
    """`archive` is None where there is none, and so is `artifacts`, the way to them."""

    def __init__(
        self, archive: Archive | None = None, artifacts: Callable[[], Artifacts] | None = None
    ) -> None:
        downloads = Downloads(artifacts, archive) if artifacts else None
        self._file = downloads.file if downloads else None
        rows = (*_table(archive), *_downloads(downloads))
        self._table: Table[Handler] = Table(rows, may_be_empty=_MAY_BE_EMPTY)

    def patterns(self) -> Iterable[tuple[str, str]]:
        """Methods and paths of the table."""
        return self._table.patterns()

    def find(self, method: str, parts: list[str]) -> tuple[Handler, Mapping[str, str]]:
        """Raises Refused: 404, or 501 for another method than those that there are."""
        gets = method in ("GET", "HEAD")
        if parts[0] == _FILES and len(parts) > len(_IN_FILES) and gets and self._file:
            named = dict(zip(_IN_FILES, parts[1:], strict=False))
            return self._file, {**named, "file": "/".join(parts[len(_IN_FILES) + 1 :])}
        return self._table.find(method, parts)


Row = tuple[str, str, Handler]


def _table(archive: Archive | None) -> Iterable[Row]:
    for method, path, handler in (
        *_workflows(archive),
        *_archived(archive),
        *_stored("workflow-templates/{namespace}", templates.WORKFLOW_TEMPLATES),
        *_stored("cluster-workflow-templates", templates.CLUSTER),
        *_stored("cron-workflows/{namespace}", templates.CRON),
        ("PUT", "cron-workflows/{namespace}/{name}/suspend", templates.suspend_cron),
        ("PUT", "cron-workflows/{namespace}/{name}/resume", templates.resume_cron),
        ("GET", "workflow-event-bindings/{namespace}", _bindings.list),
        ("POST", "events/{namespace}/{discriminator}", Events().receive),
        ("POST", "sync/{namespace}", sync.create),
        ("GET", "sync/{namespace}/{key}", sync.get),
        ("PUT", "sync/{namespace}/{key}", sync.update),
        ("DELETE", "sync/{namespace}/{key}", sync.delete),
        ("GET", "info", info.info),
        ("GET", "version", info.version),
        ("GET", "userinfo", info.user),
        ("POST", "tracking/event", info.track),
        *_events(),
    ):
        yield method, f"api/v1/{path}", handler


def _workflows(archive: Archive | None) -> Iterable[Row]:
    yield "GET", "workflows/{namespace}", partial(listing.list_workflows, archive=archive)
    yield "POST", "workflows/{namespace}", workflows.create
    yield "POST", "workflows/{namespace}/submit", submit.submit
    yield "POST", "workflows/{namespace}/lint", workflows.lint
    yield "GET", "workflows/{namespace}/{name}", partial(workflows.get, archive=archive)
    yield "DELETE", "workflows/{namespace}/{name}", workflows.delete
    yield "GET", "workflows/{namespace}/{name}/log", logs.logs
    yield "GET", "workflows/{namespace}/{name}/{podName}/log", logs.logs
    yield "PUT", "workflows/{namespace}/{name}/suspend", changes.suspend
    yield "PUT", "workflows/{namespace}/{name}/resume", changes.resume
    yield "PUT", "workflows/{namespace}/{name}/stop", changes.stop
    yield "PUT", "workflows/{namespace}/{name}/terminate", changes.terminate
    yield "PUT", "workflows/{namespace}/{name}/set", changes.set_outputs
    yield "PUT", "workflows/{namespace}/{name}/retry", changes.retry
    yield (
        "PUT",
        "workflows/{namespace}/{name}/resubmit",
        partial(changes.resubmit, archive=archive),
    )
    yield "GET", "workflow-events/{namespace}", watching.workflows
    yield "GET", "stream/events/{namespace}", watching.events


def _archived(archive: Archive | None) -> Iterable[Row]:
    yield "GET", "archived-workflows", partial(archived.list_archived, archive=archive)
    yield "GET", "archived-workflows-label-keys", partial(archived.label_keys, archive=archive)
    yield "GET", "archived-workflows-label-values", partial(archived.label_values, archive=archive)
    yield "GET", "archived-workflows/{uid}", partial(archived.get, archive=archive)
    yield "DELETE", "archived-workflows/{uid}", partial(archived.delete, archive=archive)
    yield (
        "PUT",
        "archived-workflows/{uid}/retry",
        partial(changes.retry_archived, archive=archive),
    )
    yield (
        "PUT",
        "archived-workflows/{uid}/resubmit",
        partial(changes.resubmit_archived, archive=archive),
    )


def _downloads(downloads: Downloads | None) -> Iterable[Row]:
    if downloads is None:
        return
    named, by_uid = "{namespace}/{name}/{nodeId}/{artifactName}", "{uid}/{nodeId}/{artifactName}"
    yield "GET", f"artifacts/{named}", downloads.output
    yield "GET", f"input-artifacts/{named}", downloads.input
    yield "GET", f"artifacts-by-uid/{by_uid}", downloads.output_by_uid
    yield "GET", f"input-artifacts-by-uid/{by_uid}", downloads.input_by_uid


def _stored(path: str, kind: templates.Stored) -> Iterable[Row]:
    yield "GET", path, kind.list
    yield "POST", path, kind.create
    yield "POST", f"{path}/lint", kind.lint
    yield "GET", f"{path}/{{name}}", kind.get
    yield "PUT", f"{path}/{{name}}", kind.update
    yield "DELETE", f"{path}/{{name}}", kind.delete


_bindings = templates.Stored(EVENT_BINDINGS, "", "")


def _events() -> Iterable[Row]:
    """Argo Events is another product; its objects are no part of this server."""
    for kind in ("event-sources", "sensors"):
        for path in (f"{kind}/{_NAMESPACE}", f"{kind}/{_NAMESPACE}/{{name}}"):
            for method in ("GET", "POST", "PUT", "DELETE"):
                yield method, path, _no_events
        yield "GET", f"stream/{kind}/{_NAMESPACE}", _no_events
        yield "GET", f"stream/{kind}/{_NAMESPACE}/logs", _no_events


async def _no_events(call: Call) -> Any:
    raise Refused(UNIMPLEMENTED, "Argo Events is not served here: there are no EventSources and"
                  " Sensors")  # fmt: skip
