"""Whatever is sent, the answer is a 4xx that says why, and never a fault of ours."""

import asyncio
import copy
import json
import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sampan.services.pipelines.routes import TABLE
from services.pipelines.makers import PLATFORM, TEXT, WITH_PARAMETERS

ROUTES = sorted(TABLE.patterns())
WORDS = st.text(max_size=6) | st.sampled_from(
    ["a", "one", "{{", "=", "9" * 30, "\x00", "..", "../..", "\ud800".encode("utf-8", "replace")
     .decode(), "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "n" * 300]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 1 << 70) | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
BODY = {
    "display_name": "one", "name": "one", "description": "d", "namespace": "a",
    "pipeline_spec": {"pipeline_spec": WITH_PARAMETERS, "platform_spec": PLATFORM},
    "runtime_config": {"parameters": {"text": "x"}, "pipeline_root": "minio://b/k"},
    "trigger": {"cron_schedule": {"cron": "* * * * * *"}}, "max_concurrency": 1, "mode": "ENABLE",
    "tags": {"a": "b"}, "pipeline_version_reference": {"pipeline_id": "x"},
    "pipeline": {"display_name": "two"}, "pipeline_version": {"pipeline_spec": WITH_PARAMETERS},
    "metrics": [{"name": "m", "node_id": "n", "number_value": 1.5}], "experiment_id": "",
    "resource_references": [{"key": {"type": "EXPERIMENT", "id": "x"}, "relationship": "OWNER"}],
}  # fmt: skip


@st.composite
def bodies(draw):
    """A message with some of its fields left out, and nonsense at one place in the rest."""
    body = copy.deepcopy({key: value for key, value in BODY.items() if draw(st.booleans())})
    at = body
    while isinstance(at, dict) and at and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(at)))
        if not isinstance(at[key], dict) or draw(st.booleans()):
            at[key] = draw(JSON)
            break
        at = at[key]
    return body


QUERIES = st.dictionaries(
    st.sampled_from(["page_size", "page_token", "sort_by", "filter", "namespace", "experiment_id",
                     "name", "pipelineid", "tags", "cascade", "follow", "peek", "source", "bucket",
                     "key", "verb", "resources", "propagation_policy",
                     "resource_reference_key.type", "resource_reference_key.id"]),
    st.text("abz=,.-0123456789()[]{}\":*+\\u00e9", max_size=8) | st.sampled_from(
        ["created_at desc", "metric:x", '{"predicates":[{"operation":1,"key":"name"}]}',
         '{"predicates":[{"operation":9,"key":"name","string_value":"%"}]}', "e30=", "minio"]),
    max_size=4,
)  # fmt: skip
CASES = st.lists(
    st.tuples(st.sampled_from(ROUTES), bodies() | JSON, QUERIES, WORDS), min_size=25, max_size=25
)
DEEP = b'{"a":' * 900 + b"1" + b"}" * 900
SETTINGS = {
    "phases": (Phase.explicit, Phase.generate),  # to shrink a scenario takes minutes
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow,
                              HealthCheck.data_too_large, HealthCheck.large_base_example],
}  # fmt: skip


def path_of(pattern, ids, word):
    """With ids that there are, or with any word."""
    quoted = word.replace("/", "%2F").replace("\x00", "%00").replace("?", "%3F") or "x"
    filled = re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], quoted), pattern)
    return f"/pipeline/{filled}"


async def begun(api):
    """One of each; their ids by the names that paths have for them."""
    pipeline = (await api.upload("p.yaml", TEXT, "name=p")).body.get("pipeline_id", "x")
    versions = (await api.get(f"pipelines/{pipeline}/versions")).body.get("pipeline_versions")
    run = await api.post("runs", {"display_name": "r", "pipeline_spec": BODY["pipeline_spec"],
                                  "runtime_config": BODY["runtime_config"]})  # fmt: skip
    return {
        "pipeline_id": pipeline, "run_id": run.body["run_id"], "namespace": "a",
        "experiment_id": run.body["experiment_id"],
        **({"pipeline_version_id": versions[0]["pipeline_version_id"]} if versions else {}),
    }  # fmt: skip


@pytest.mark.slow
@settings(max_examples=10, **SETTINGS)
@given(CASES, st.booleans())
def test_nothing_is_our_fault(serve, cases, real):
    async def scenario(api):
        ids = await begun(api) if real else {}
        for (method, pattern), body, query, word in cases:
            asked = "&".join(f"{name}={value}" for name, value in query.items())
            path = f"{path_of(pattern, ids, word)}?{asked}"
            raw = json.dumps(body).encode()
            answer = await asyncio.wait_for(api(method, path, raw=raw), 20)
            assert answer.code < 500 or answer.code == 501, (method, path, body, answer.raw)

    serve(scenario)


@pytest.mark.slow
@settings(max_examples=4, **SETTINGS)
@given(st.lists(st.tuples(st.binary(max_size=60), st.integers(0, 200)), min_size=10, max_size=10))
def test_no_form_is_our_fault(serve, cases):
    whole = (
        b'--b\r\nContent-Disposition: form-data; name="uploadfile"; filename="p.yaml"\r\n\r\n'
        + TEXT + b"\r\n--b--\r\n"
    )  # fmt: skip
    header = ("content-type", "multipart/form-data; boundary=b")

    async def scenario(api):
        for nonsense, at in cases:
            for raw in (nonsense, whole[:at] + nonsense + whole[at:], whole[:at]):
                answer = await api("POST", "pipelines/upload?name=p", raw=raw, headers=[header])
                assert answer.code < 500, (raw, answer.raw)

    serve(scenario)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"display_name":' + DEEP + b"}", id="deep-field"),
        pytest.param(b"\xff\xfe", id="no-text"),
        pytest.param(b"{" + b" " * (5 << 20) + b"}", id="long"),
        pytest.param(b'{"display_name":"x","pipeline_spec":' + DEEP + b"}", id="deep-spec"),
    ],
)  # fmt: skip
def test_what_is_hard_to_read_is_refused(serve, raw):
    async def scenario(api):
        for place in ("runs", "experiments", "pipelines", "pipelines/create", "recurringruns"):
            answer = await api("POST", place, raw=raw)
            assert (answer.code, answer.body["code"]) == (400, 3), (place, answer.raw[:300])

    serve(scenario)
