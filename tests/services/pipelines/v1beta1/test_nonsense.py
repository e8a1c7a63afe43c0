"""Whatever is sent to v1beta1 and to recurring runs, the answer is a 4xx, and no fault of ours."""

import asyncio
import json
from copy import deepcopy

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ARGO = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Workflow",
    "metadata": {"generateName": "hello-"},
    "spec": {
        "entrypoint": "main",
        "arguments": {"parameters": [{"name": "text", "value": "[[CurrentTime.%Y]]"}]},
        "templates": [{"name": "main", "container": {"image": "alpine", "command": ["true"]}}],
    },
}
IR = {
    "pipelineInfo": {"name": "hello"},
    "schemaVersion": "2.1.0",
    "root": {"dag": {"tasks": {"say": {"componentRef": {"name": "comp-say"}}}}},
    "components": {"comp-say": {"executorLabel": "exec-say"}},
    "deploymentSpec": {"executors": {"exec-say": {"container": {"image": "alpine"}}}},
}
TRIGGER = {"cron_schedule": {"cron": "0 0 3 * * ?", "start_time": "2026-01-01T00:00:00Z"}}
SPEC = {
    "pipeline_id": "",
    "workflow_manifest": ARGO,
    "parameters": [{"name": "text", "value": "x"}],
    "runtime_config": {"parameters": {"a": 1}, "pipeline_root": "minio://b"},
}
REFERENCES = [{"key": {"type": "NAMESPACE", "id": "a"}, "relationship": "OWNER"}]
RUN = {"name": "r", "pipeline_spec": SPEC, "resource_references": REFERENCES}
JOB = {**RUN, "trigger": TRIGGER, "max_concurrency": "1", "enabled": True, "mode": "ENABLED"}
RECURRING = {
    "display_name": "r", "pipeline_spec": IR, "trigger": TRIGGER, "max_concurrency": 1,
    "mode": "ENABLE", "runtime_config": {"parameters": {}},
}  # fmt: skip
METRICS = {"metrics": [{"name": "a", "node_id": "n", "number_value": 1, "format": "RAW"}]}
MESSAGES = [
    ("v1beta1/runs", RUN), ("v1beta1/jobs", JOB), ("v2beta1/recurringruns", RECURRING),
    ("v1beta1/runs/x:reportMetrics", METRICS), ("v1beta1/pipelines", {"name": "p", "url": {}}),
    ("v1beta1/experiments", {"name": "e", "resource_references": REFERENCES}),
]  # fmt: skip
TEXT = st.text(max_size=6) | st.sampled_from(
    ["a", "{{", "[[", "*", "@every 0s", "9" * 30, "\x00", "..", "9999-12-31T23:59:59Z", "\ud800"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 1 << 70) | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
QUERIES = st.dictionaries(
    st.sampled_from(
        ["page_size", "page_token", "sort_by", "filter", "namespace", "experiment_id",
         "resource_reference_key.type", "resource_reference_key.id", "resource_key.type",
         "propagation_policy", "name", "pipelineid"]
    ),
    st.text("aPIPELINE-1{}[]\":,%é", max_size=8),
    max_size=3,
)  # fmt: skip
PLACES = st.sampled_from(
    ["v1beta1/runs", "v1beta1/runs/x", "v1beta1/runs/x/retry", "v1beta1/runs/x:archive",
     "v1beta1/jobs", "v1beta1/jobs/x", "v1beta1/jobs/x/enable", "v1beta1/pipelines/x/templates",
     "v1beta1/pipeline_versions", "v1beta1/pipelines", "v1beta1/experiments/%00",
     "v1beta1/namespaces/..%2f/pipelines/x", "v2beta1/recurringruns", "v2beta1/recurringruns/x",
     "v1beta1/pipelines/upload", "v1beta1/pipelines/upload_version"]
)  # fmt: skip


@st.composite
def bent(draw: st.DrawFn):
    """A message with one of its values replaced by anything."""
    path, message = draw(st.sampled_from(MESSAGES))
    whole = deepcopy(message)
    here, key = whole, draw(st.sampled_from(sorted(whole)))
    while isinstance(here[key], dict | list) and here[key] and draw(st.integers(0, 3)):
        here = here[key]
        key = draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
    here[key] = draw(JSON)
    spec = whole.get("pipeline_spec")
    if path != "v2beta1/recurringruns" and isinstance(spec, dict) and "workflow_manifest" in spec:
        manifest = spec["workflow_manifest"]
        spec["workflow_manifest"] = manifest if isinstance(manifest, str) else json.dumps(manifest)
    return "POST", path, json.dumps(whole, allow_nan=True).encode(), {}


ANYTHING = st.tuples(
    st.sampled_from(["GET", "POST", "DELETE"]), PLACES, JSON.map(json.dumps).map(str.encode),
    QUERIES,
)  # fmt: skip


@pytest.mark.slow
@settings(
    max_examples=60, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow,
                           HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip
@given(st.lists(bent() | ANYTHING, min_size=40, max_size=40))
def test_nothing_is_our_fault(serve, tmp_path, cases):
    async def scenario(api):
        for method, place, raw, query in cases:
            asked = "&".join(f"{name}={value}" for name, value in query.items())
            path = f"/pipeline/apis/{place}?{asked}"
            answer = await asyncio.wait_for(api(method, path, raw=raw), 20)
            assert answer.code < 500 or answer.code == 501, (method, path, raw, answer.raw)
            if answer.code == 200 and answer.raw:
                orjson.loads(answer.raw)

    for path in tmp_path.iterdir():
        path.unlink()
    serve(scenario)
