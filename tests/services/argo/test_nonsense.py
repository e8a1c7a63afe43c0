"""Whatever is sent, the answer is a 4xx that says why, and never a fault of ours."""

import asyncio

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.argo.makers import SPEC

PLACES = [
    "workflows/a", "workflows/a/w", "workflows/a/w/log", "workflows/a/submit", "workflows/a/lint",
    "workflows/a/w/resume", "workflows/a/w/retry", "workflows/a/w/resubmit", "workflows/a/w/set",
    "workflows/a/w/stop", "workflow-templates/a", "workflow-templates/a/lint", "cron-workflows/a",
    "cron-workflows/a/lint", "cluster-workflow-templates", "sync/a", "sync/a/k", "events/a/d",
    "archived-workflows", "archived-workflows/x/retry", "archived-workflows-label-values",
    "tracking/event", "userinfo",
]  # fmt: skip
TEXT = st.text(max_size=6) | st.sampled_from(
    ["a", "w", "{{", "=", ",", "(", "9" * 30, "\x00", ".."]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 1 << 40) | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["workflow", "template", "cronWorkflow", "submitOptions", "resourceKind", "resourceName",
     "parameters", "nodeFieldSelector", "outputParameters", "phase", "message", "memoized",
     "restartSuccessful", "cmName", "key", "limit", "type", "createOptions", "serverDryRun"]
)  # fmt: skip
SPECS = st.fixed_dictionaries({
    "metadata": JSON,
    "spec": st.dictionaries(
        st.sampled_from(["entrypoint", "templates", "arguments", "workflowTemplateRef", "hooks",
                         "schedules", "workflowSpec", "onExit", "suspend"]), JSON, max_size=4)
    | st.just(SPEC),
})  # fmt: skip
BODIES = JSON | st.dictionaries(FIELDS, JSON | SPECS, max_size=4)
QUERIES = st.dictionaries(
    st.sampled_from(["listOptions.limit", "listOptions.continue", "listOptions.labelSelector",
                     "listOptions.fieldSelector", "fields", "nameFilter", "createdAfter", "grep",
                     "logOptions.sinceTime.seconds", "logOptions.tailLines", "uid", "type",
                     "cmName", "selector", "podName", "deleteOptions.propagationPolicy"]),
    st.text("abz=,.-0123456789()[]*+%&\\u00e9", max_size=8), max_size=3,
)  # fmt: skip
CASES = st.lists(
    st.tuples(
        st.sampled_from(["GET", "POST", "PUT", "DELETE"]), st.sampled_from(PLACES), BODIES, QUERIES
    ),
    min_size=20, max_size=20,
)  # fmt: skip


@pytest.mark.slow
@settings(
    max_examples=12, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow,
                           HealthCheck.data_too_large],
)  # fmt: skip
@given(CASES)
def test_nothing_is_our_fault(serve, tmp_path, cases):
    async def scenario(argo):
        if not argo.cluster.list("Workflow.argoproj.io", "a"):
            await argo.submit("w", {"phase": "Running"})
        for method, place, body, query in cases:
            asked = "&".join(f"{name}={value}" for name, value in query.items())
            path = f"/argo/api/v1/{place}?{asked}"
            raw = orjson.dumps(body)
            answer = await asyncio.wait_for(argo(method, path, raw=raw), 20)
            assert answer.code < 500 or answer.code == 501, (method, path, body, answer.raw)
        for path in tmp_path.glob("objects.db*"):
            path.unlink()

    serve(scenario)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([("authorization", "Bearer")], id="no-token"),
        pytest.param([("authorization", "Bearer \x00")], id="no-text"),
        pytest.param([("authorization", "bearer admin")], id="small-letters"),
        pytest.param([("host", "é")], id="no-host"),
    ],
)
def test_odd_headers(serve, headers):
    async def scenario(argo):
        token = "" if headers[0][0] == "authorization" else "admin"
        answer = await argo.get("/argo/api/v1/version", token=token, headers=headers)
        assert answer.code in (200, 401)

    serve(scenario)
