"""Every path of upstream's swagger.json is answered by somebody; no other one is."""

import asyncio

import pytest

from sampan.services.argo.routes import Routes
from sampan.services.errors import Refused

PATHS = """
GET /api/v1/archived-workflows
GET /api/v1/archived-workflows-label-keys
GET /api/v1/archived-workflows-label-values
GET /api/v1/archived-workflows/{uid}
DELETE /api/v1/archived-workflows/{uid}
PUT /api/v1/archived-workflows/{uid}/resubmit
PUT /api/v1/archived-workflows/{uid}/retry
GET /api/v1/cluster-workflow-templates
POST /api/v1/cluster-workflow-templates
POST /api/v1/cluster-workflow-templates/lint
GET /api/v1/cluster-workflow-templates/{name}
PUT /api/v1/cluster-workflow-templates/{name}
DELETE /api/v1/cluster-workflow-templates/{name}
GET /api/v1/cron-workflows/{namespace}
POST /api/v1/cron-workflows/{namespace}
POST /api/v1/cron-workflows/{namespace}/lint
GET /api/v1/cron-workflows/{namespace}/{name}
PUT /api/v1/cron-workflows/{namespace}/{name}
DELETE /api/v1/cron-workflows/{namespace}/{name}
PUT /api/v1/cron-workflows/{namespace}/{name}/resume
PUT /api/v1/cron-workflows/{namespace}/{name}/suspend
GET /api/v1/event-sources/{namespace}
POST /api/v1/event-sources/{namespace}
GET /api/v1/event-sources/{namespace}/{name}
PUT /api/v1/event-sources/{namespace}/{name}
DELETE /api/v1/event-sources/{namespace}/{name}
POST /api/v1/events/{namespace}/{discriminator}
GET /api/v1/info
GET /api/v1/sensors/{namespace}
POST /api/v1/sensors/{namespace}
GET /api/v1/sensors/{namespace}/{name}
PUT /api/v1/sensors/{namespace}/{name}
DELETE /api/v1/sensors/{namespace}/{name}
GET /api/v1/stream/event-sources/{namespace}
GET /api/v1/stream/event-sources/{namespace}/logs
GET /api/v1/stream/events/{namespace}
GET /api/v1/stream/sensors/{namespace}
GET /api/v1/stream/sensors/{namespace}/logs
POST /api/v1/sync/{namespace}
GET /api/v1/sync/{namespace}/{key}
PUT /api/v1/sync/{namespace}/{key}
DELETE /api/v1/sync/{namespace}/{key}
POST /api/v1/tracking/event
GET /api/v1/userinfo
GET /api/v1/version
GET /api/v1/workflow-event-bindings/{namespace}
GET /api/v1/workflow-events/{namespace}
GET /api/v1/workflow-templates/{namespace}
POST /api/v1/workflow-templates/{namespace}
POST /api/v1/workflow-templates/{namespace}/lint
GET /api/v1/workflow-templates/{namespace}/{name}
PUT /api/v1/workflow-templates/{namespace}/{name}
DELETE /api/v1/workflow-templates/{namespace}/{name}
GET /api/v1/workflows/{namespace}
POST /api/v1/workflows/{namespace}
POST /api/v1/workflows/{namespace}/lint
POST /api/v1/workflows/{namespace}/submit
GET /api/v1/workflows/{namespace}/{name}
DELETE /api/v1/workflows/{namespace}/{name}
GET /api/v1/workflows/{namespace}/{name}/log
PUT /api/v1/workflows/{namespace}/{name}/resubmit
PUT /api/v1/workflows/{namespace}/{name}/resume
PUT /api/v1/workflows/{namespace}/{name}/retry
PUT /api/v1/workflows/{namespace}/{name}/set
PUT /api/v1/workflows/{namespace}/{name}/stop
PUT /api/v1/workflows/{namespace}/{name}/suspend
PUT /api/v1/workflows/{namespace}/{name}/terminate
GET /api/v1/workflows/{namespace}/{name}/{podName}/log
GET /artifacts-by-uid/{uid}/{nodeId}/{artifactName}
GET /artifacts/{namespace}/{name}/{nodeId}/{artifactName}
GET /input-artifacts-by-uid/{uid}/{nodeId}/{artifactName}
GET /input-artifacts/{namespace}/{name}/{nodeId}/{artifactName}
"""
ROUTES = Routes(artifacts=lambda: None)


@pytest.mark.parametrize("line", PATHS.split("\n")[1:-1])
def test_each_path_has_a_handler(line):
    method, path = line.split()
    parts = path.strip("/").split("/")
    handler, found = ROUTES.find(method, parts)
    named = {part[1:-1]: part for part in parts if part.startswith("{")}
    assert named.items() <= dict(found).items()
    if "event-sources" in path or "sensors" in path:
        with pytest.raises(Refused, match="Argo Events"):
            asyncio.run(handler(None))


def test_files_of_artifacts_have_any_number_of_parts():
    path = "artifact-files/{namespace}/{idDiscriminator}/{id}/{nodeId}/{artifactDiscriminator}"
    for file in ("", "a", "a/b/c"):
        _, found = ROUTES.find("GET", [*path.split("/"), "name", *filter(None, file.split("/"))])
        assert (found["artifactName"], found["file"]) == ("name", file)


def test_there_are_no_others():
    known = {tuple(line.split()) for line in PATHS.split("\n")[1:-1]}
    made = {(method, f"/{path}") for method, path in ROUTES.patterns()}
    others = {path for _, path in made - known}
    assert [path for path in others if "event-sources" not in path and "sensors" not in path] == []


@pytest.mark.parametrize("path", ["api/v1/workflows", "api/v1/workflows/a/b/c/d/e", "", "api"])
def test_what_is_no_path_is_not_found(path):
    with pytest.raises(Refused) as refused:
        ROUTES.find("GET", path.split("/"))
    assert refused.value.http == 404
