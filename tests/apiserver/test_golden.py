"""The answers of a real kube-apiserver 1.36 to bad and odd requests, word for word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

CM = "/api/v1/namespaces/a/configmaps"
PODS = "/api/v1/namespaces/a/pods"
JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
NAME_RULE = (
    'Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of lower case'
    " alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
    " (e.g. 'example.com', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
STALE = (
    'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply'
    " your changes to the latest version and try again"
)
REFUSED = "the server rejected our request due to an error in our request"
UNREAD = (
    "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind"
)
HANDLED = 'ConfigMap in version "v1" cannot be handled as a ConfigMap: '
NO_METHOD = "the server does not allow this method on the requested resource"


def config(name: str = "q", **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **more}


CASES = [
    ("exists", "POST", CM, config("a"), {}, 409, "AlreadyExists", 'configmaps "a" already exists'),
    ("missing", "GET", f"{CM}/zz", None, {}, 404, "NotFound", 'configmaps "zz" not found'),
    ("unknown-resource", "GET", "/api/v1/namespaces/a/foos", None, {}, 404, "NotFound",
     "the server could not find the requested resource"),
    ("put-old-revision", "PUT", f"{CM}/a",
     {"metadata": {"name": "a", "resourceVersion": "1"}, "data": {}}, {}, 409, "Conflict", STALE),
    ("create-with-revision", "POST", CM, {"metadata": {"name": "q", "resourceVersion": "5"}}, {},
     500, None, "resourceVersion should not be set on objects to be created"),
    ("name-mismatch", "PUT", f"{CM}/a", {"metadata": {"name": "q"}}, {}, 400, "BadRequest",
     "the name of the object (q) does not match the name on the URL (a)"),
    ("namespace-mismatch", "POST", CM, {"metadata": {"name": "q", "namespace": "other"}}, {}, 400,
     "BadRequest", "the namespace of the provided object does not match the namespace sent on the"
     " request"),
    ("kind-mismatch", "POST", CM, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "q"}},
     {}, 400, "BadRequest", 'Secret in version "v1" cannot be handled as a ConfigMap: converting'
     " (v1.Secret) to (core.ConfigMap): unknown conversion"),
    ("bad-json", "POST", CM, b"{bad", {}, 400, "BadRequest",
     f"{UNREAD}; json parse error: invalid character 'b' looking for beginning of object key string"
     " ({bad)"),
    ("empty-body", "POST", CM, b"", {}, 400, "BadRequest",
     f"{UNREAD}; json parse error: unexpected end of JSON input (<empty>)"),
    ("bad-content-type", "POST", CM, b"{}", {"type": "text/plain"}, 415, "UnsupportedMediaType",
     "the body of the request was in an unknown format - accepted media types include:"
     " application/json, application/yaml, application/vnd.kubernetes.protobuf"),
    ("bad-name", "POST", CM, config("Bad_Name"), {}, 422, "Invalid",
     f'ConfigMap "Bad_Name" is invalid: metadata.name: {NAME_RULE}'),
    ("no-name", "POST", CM, {"metadata": {}}, {}, 422, "Invalid",
     'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'),
    ("strict-unknown", "POST", f"{CM}?fieldValidation=Strict", config(dataa={}), {}, 400,
     "BadRequest", HANDLED + 'strict decoding error: unknown field "dataa"'),
    ("strict-duplicate", "POST", f"{CM}?fieldValidation=Strict",
     b'{"metadata":{"name":"b"},"data":{"a":"1","a":"2"}}', {}, 400, "BadRequest",
     HANDLED + 'strict decoding error: duplicate field "data.a"'),
    ("bad-type", "POST", CM, config(data={"a": 1}), {}, 400, "BadRequest",
     HANDLED + "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"),
    ("pod-without-containers", "POST", PODS,
     {"metadata": {"name": "p"}, "spec": {"containers": []}}, {},
     422, "Invalid", 'Pod "p" is invalid: spec.containers: Required value'),
    ("pod-three-faults", "POST", PODS,
     {"metadata": {"name": "p"}, "spec": {"restartPolicy": "X", "containers": [{"name": "A"}]}}, {},
     422, "Invalid", 'Pod "p" is invalid: [spec.containers[0].name: Invalid value: "A": a lowercase'
     " RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and"
     " end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation"
     " is '[a-z0-9]([-a-z0-9]*[a-z0-9])?'), spec.containers[0].image: Required value,"
     ' spec.restartPolicy: Unsupported value: "X": supported values: "Always", "OnFailure",'
     ' "Never"]'),
    ("json-patch-test-fails", "PATCH", f"{CM}/a",
     [{"op": "test", "path": "/data/x", "value": "9"}], {"type": JSON_PATCH}, 422, "Invalid",
     REFUSED),
    ("json-patch-bad-path", "PATCH", f"{CM}/a", [{"op": "remove", "path": "/data/none"}],
     {"type": JSON_PATCH}, 422, "Invalid", REFUSED),
    ("json-patch-malformed", "PATCH", f"{CM}/a", {"a": 1}, {"type": JSON_PATCH}, 400, "BadRequest",
     "error decoding patch: json: cannot unmarshal object into Go value of type"
     " []handlers.jsonPatchOp"),
    ("merge-patch-old-revision", "PATCH", f"{CM}/a", {"metadata": {"resourceVersion": "1"},
     "data": {"q": "1"}}, {"type": MERGE}, 409, "Conflict", STALE),
    ("patch-content-type", "PATCH", f"{CM}/a", {}, {}, 415, "UnsupportedMediaType",
     "415: Unsupported Media Type"),
    ("apply-without-manager", "PATCH", f"{CM}/a", config("a"), {"type": APPLY}, 422, "Invalid",
     'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply'
     " patch"),
    ("apply-with-managed-fields", "PATCH", f"{CM}/a?fieldManager=m2",
     {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "managedFields": [{}]}},
     {"type": APPLY}, 400, "BadRequest", "metadata.managedFields must be nil"),
    ("delete-bad-policy", "DELETE", f"{CM}/a", {"propagationPolicy": "X"}, {}, 422, "Invalid",
     'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "X": supported'
     ' values: "Foreground", "Background", "Orphan", "nil"'),
    ("list-future-revision", "GET",
     f"{CM}?resourceVersion=99999999&resourceVersionMatch=NotOlderThan", None, {}, 504, "Timeout",
     "Timeout: Too large resource version: 99999999, current: 3"),
    ("list-match-without-revision", "GET", f"{CM}?resourceVersionMatch=Exact", None, {}, 422,
     "Invalid", 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden:'
     " resourceVersionMatch is forbidden unless resourceVersion is provided"),
    ("nonsense-revision", "GET", f"{CM}?resourceVersion=abc", None, {}, 400, "BadRequest",
     'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing'
     ' "abc": invalid syntax'),
    ("watch-nonsense-revision", "GET", f"{CM}?watch=1&resourceVersion=abc", None, {}, 400,
     "BadRequest", 'invalid resource version: resourceVersion: Invalid value: "abc":'
     ' strconv.ParseUint: parsing "abc": invalid syntax'),
    ("bad-label-selector", "GET", f"{CM}?labelSelector=a%20in%20(", None, {}, 400, "BadRequest",
     "unable to parse requirement: found '', expected: ',', ')' or identifier"),
    ("bad-field-selector", "GET", f"{CM}?fieldSelector=data.x%3D1", None, {}, 400, "BadRequest",
     '"data.x" is not a known field selector: only "metadata.name", "metadata.namespace"'),
    ("bad-limit", "GET", f"{CM}?limit=x", None, {}, 400, "BadRequest",
     'strconv.ParseInt: parsing "x": invalid syntax'),
    ("post-to-item", "POST", f"{CM}/a", {}, {}, 405, "MethodNotAllowed", NO_METHOD),
    ("put-to-collection", "PUT", CM, {}, {}, 405, "MethodNotAllowed", NO_METHOD),
    ("missing-namespace", "POST", "/api/v1/namespaces/nonesuch/configmaps", config(), {}, 404,
     "NotFound", 'namespaces "nonesuch" not found'),
    ("anonymous", "GET", "/api/v1/pods", None, {"token": ""}, 403, "Forbidden",
     'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the'
     " cluster scope"),
    ("bad-token", "GET", "/api/v1/pods", None, {"token": "no"}, 401, "Unauthorized",
     "Unauthorized"),
    ("not-acceptable", "GET", f"{CM}/a", None, {"accept": "text/plain"}, 406, "NotAcceptable",
     "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body", "how", "code", "reason", "message"),
    [pytest.param(*case[1:], id=case[0]) for case in CASES],
)
def test_refusals_are_those_of_a_real_server(
    serve: Callable[..., None],
    method: str,
    path: str,
    body: Any,
    how: dict[str, Any],
    code: int,
    reason: str | None,
    message: str,
) -> None:
    async def scenario(client: Any) -> None:
        assert (await client.post(CM, config("a", data={"x": "1"}))).code == 201
        answer = await client(method, path, body, **how)
        assert (answer.code, answer.body.get("reason"), answer.message) == (code, reason, message)
        assert answer.body["kind"] == "Status"
        assert answer.body["code"] == code

    serve(scenario)


def test_details_name_the_object_and_the_causes(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        missing = await client.get("/apis/apps/v1/namespaces/a/deployments/d")
        assert missing.message == 'deployments.apps "d" not found'
        assert missing.body["details"] == {"name": "d", "group": "apps", "kind": "deployments"}
        invalid = await client.post(PODS, {"metadata": {"name": "p"}, "spec": {"containers": []}})
        cause = {
            "reason": "FieldValueRequired",
            "message": "Required value",
            "field": "spec.containers",
        }
        assert invalid.body["details"] == {"name": "p", "kind": "Pod", "causes": [cause]}
        future = await client.get(f"{CM}?resourceVersion=99999999")
        assert future.headers["retry-after"] == "1"
        assert future.body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"

    serve(scenario)


def test_an_unknown_group_is_plain_text(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        answer = await client.get("/apis/foo.example/v1/bars")
        assert (answer.code, answer.body) == (404, "404 page not found\n")
        assert answer.headers["content-type"].startswith("text/plain")

    serve(scenario)


@pytest.mark.parametrize("query", ["", "?fieldValidation=Warn"], ids=["default", "warn"])
def test_unknown_fields_are_pruned_with_a_warning(serve: Callable[..., None], query: str) -> None:
    async def scenario(client: Any) -> None:
        answer = await client.post(CM + query, config(dataa={}))
        assert answer.code == 201
        assert answer.headers["warning"] == '299 - "unknown field \\"dataa\\""'
        assert "dataa" not in answer.body
        quiet = await client.post(f"{CM}?fieldValidation=Ignore", config("r", dataa={}))
        assert quiet.code == 201
        assert "warning" not in quiet.headers

    serve(scenario)


@pytest.mark.parametrize(
    ("type_", "body"),
    [
        pytest.param(None, b'{"metadata":{"generateName":"n-"}}', id="no-content-type"),
        pytest.param("application/yaml", b"metadata: {generateName: n-}", id="yaml"),
        pytest.param("application/json; charset=utf-8", b'{"metadata":{"generateName":"n-"}}',
                     id="charset"),
    ],
)  # fmt: skip
def test_bodies_that_are_taken(serve: Callable[..., None], type_: str | None, body: bytes) -> None:
    async def scenario(client: Any) -> None:
        answer = await client.post(CM, body, type=type_)
        assert answer.code == 201, answer.body
        name = answer.meta["name"]
        assert name.startswith("n-")
        assert len(name) == 7
        assert (await client.get(f"{CM}/{name}")).code == 200

    serve(scenario)


def test_preconditions_of_a_delete(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        made = await client.post(CM, config("b"))
        uid, revision = made.meta["uid"], made.meta["resourceVersion"]
        wrong = await client("DELETE", f"{CM}/b", {"preconditions": {"uid": "nope"}})
        assert wrong.code == 409
        assert wrong.message == (
            'Operation cannot be fulfilled on ConfigMap "b": the UID in the precondition (nope)'
            f" does not match the UID in record ({uid}). The object might have been deleted and"
            " then recreated"
        )
        wrong = await client("DELETE", f"{CM}/b", {"preconditions": {"resourceVersion": "1"}})
        assert wrong.message == (
            'Operation cannot be fulfilled on ConfigMap "b": the ResourceVersion in the'
            f" precondition (1) does not match the ResourceVersion in record ({revision})."
            " The object might have been modified"
        )
        assert wrong.body["details"] == {"name": "b", "kind": "ConfigMap"}
        dry = await client("DELETE", f"{CM}/b", {"dryRun": ["All"]})
        assert dry.code == 200
        gone = await client("DELETE", f"{CM}/b", {"preconditions": {"uid": uid}})
        assert gone.body == {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {"name": "b", "kind": "configmaps", "uid": uid},
        }

    serve(scenario)


def test_apply_owns_fields_and_meets_conflicts(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        first = config("b", data={"x": "1"})
        first["metadata"]["labels"] = {"l": "1"}
        made = await client.apply(f"{CM}/b?fieldManager=m1", first)
        assert made.code == 201
        (entry,) = made.meta["managedFields"]
        assert (entry["manager"], entry["operation"]) == ("m1", "Apply")
        assert entry["fieldsV1"] == {"f:data": {"f:x": {}}, "f:metadata": {"f:labels": {"f:l": {}}}}
        clash = await client.apply(f"{CM}/b?fieldManager=m2", config("b", data={"x": "2"}))
        assert clash.code == 409
        assert clash.message == 'Apply failed with 1 conflict: conflict with "m1": .data.x'
        assert clash.body["details"]["causes"] == [
            {"reason": "FieldManagerConflict", "message": 'conflict with "m1"', "field": ".data.x"}
        ]
        forced = await client.apply(
            f"{CM}/b?fieldManager=m2&force=true", config("b", data={"x": "2"})
        )
        assert forced.code == 200
        owners = {each["manager"]: each["fieldsV1"] for each in forced.meta["managedFields"]}
        assert owners == {
            "m1": {"f:metadata": {"f:labels": {"f:l": {}}}},
            "m2": {"f:data": {"f:x": {}}},
        }
        again = await client.apply(
            f"{CM}/b?fieldManager=m2&force=true", config("b", data={"x": "2"})
        )
        assert again.meta["resourceVersion"] == forced.meta["resourceVersion"]

    serve(scenario)


def test_finalizers_hold_and_let_go(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(CM, {"metadata": {"name": "a", "finalizers": ["x.y/z"]}})
        held = await client("DELETE", f"{CM}/a")
        assert held.code == 200
        assert held.meta["deletionGracePeriodSeconds"] == 0
        assert held.meta["deletionTimestamp"]
        again = await client("DELETE", f"{CM}/a")
        assert again.meta["resourceVersion"] == held.meta["resourceVersion"]
        more = await client.merge(f"{CM}/a", {"metadata": {"finalizers": ["x.y/z", "x.y/w"]}})
        assert more.code == 422
        assert more.message == (
            'ConfigMap "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be'
            ' added if the object is being deleted, found new finalizers []string{"x.y/w"}'
        )
        last = await client.merge(f"{CM}/a", {"metadata": {"finalizers": None}})
        assert last.code == 200
        assert last.body["kind"] == "ConfigMap"
        assert (await client.get(f"{CM}/a")).code == 404

    serve(scenario)


def test_the_version_says_what_we_are(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        for path in ("/version", "/version/", "/version?timeout=5s"):
            answer = await client.get(path, token="")
            assert answer.code == 200
            assert answer.body["gitVersion"] == "v1.33.0+sampan"
            assert (answer.body["major"], answer.body["minor"]) == ("1", "33")
        for path in ("/healthz", "/livez", "/readyz"):
            answer = await client.get(path, token="")
            assert (answer.code, answer.body) == (200, "ok")

    serve(scenario)
