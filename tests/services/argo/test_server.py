"""Who may come in, which path leads where, and how a refusal is told."""

import pytest

W = "/argo/api/v1/workflows/a"


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"token": ""}, id="nobody"),
        pytest.param({"token": "forged"}, id="no-such-token"),
        pytest.param({"token": "", "headers": [("authorization", "Basic YTpi")]}, id="password"),
        pytest.param({"token": "", "headers": [("cookie", "authorization=Bearer admin")]},
                     id="cookie"),
        pytest.param({"token": "", "headers": [("x-remote-user", "ada@example.com")]},
                     id="remote-user"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", [W, "/argo/api/v1/info", "/argo/api/v1/version", "/argo/none"])
def test_who_is_not_known_learns_nothing(serve, given, path):
    async def scenario(argo):
        answer = await argo.get(path, **given)
        assert answer.code == 401
        assert answer.body["code"] == 16

    serve(scenario)


def test_no_header_makes_somebody_else_of_the_caller(serve):
    async def scenario(argo):
        pretends = [
            ("impersonate-user", "ada@example.com"),
            ("impersonate-group", "system:masters"),
            ("x-remote-user", "ada@example.com"),
        ]
        answer = await argo.get("/argo/api/v1/userinfo", token="reader", headers=pretends)
        assert answer.body["subject"] == "system:serviceaccount:a:robot"

    serve(scenario)


def test_the_caller_is_told_who_he_is(serve):
    async def scenario(argo):
        robot = (await argo.get("/argo/api/v1/userinfo", token="reader")).body
        assert robot["serviceAccountName"], robot["serviceAccountNamespace"] == ("robot", "a")
        ada = (await argo.get("/argo/api/v1/userinfo")).body
        assert ada["email"] == "ada@example.com"

    serve(scenario)


@pytest.mark.parametrize(
    ("path", "code", "grpc", "text"),
    [
        pytest.param(f"{W}/none", 404, 5, 'workflows.argoproj.io "none" not found', id="missing"),
        pytest.param("/argo/api/v1/nothing", 404, 5, "Not Found", id="no-such-path"),
        pytest.param("/argo/", 404, 5, "Not Found", id="root"),
        pytest.param("/argo/api/v1/sensors/a", 501, 12, "Argo Events", id="another-product"),
        pytest.param(f"{W}?listOptions.limit=x", 400, 3, "listOptions.limit must be int", id="int"),
        pytest.param(f"{W}?listOptions.continue=-1", 400, 3, "must >= 0", id="negative"),
        pytest.param(f"{W}?listOptions.fieldSelector=spec.x=1", 400, 3,
                     "unsupported requirement spec.x=1", id="field"),
        pytest.param(f"{W}?listOptions.labelSelector=a%3D%3D%3D", 400, 3, "unable to parse",
                     id="label"),
        pytest.param(f"{W}?createdAfter=soon", 400, 3, "is not a time", id="time"),
        pytest.param(f"{W}/..", 400, 3, "is no name", id="dots"),
        pytest.param(f"{W}/%2e%2e", 400, 3, "is no name", id="quoted-dots"),
        pytest.param(f"{W}/a%2Fb", 400, 3, "is no name", id="quoted-slash"),
    ],
)  # fmt: skip
def test_refusals_are_told_as_by_grpc_gateway(serve, path, code, grpc, text):
    async def scenario(argo):
        answer = await argo.get(path)
        assert (answer.code, answer.body["code"]) == (code, grpc)
        assert text in answer.body["message"]
        assert answer.body["error"] == answer.body["message"]

    serve(scenario)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param(b"{", "no JSON", id="half"),
        pytest.param(b"[1]", "must be a JSON object", id="list"),
        pytest.param(b"{}", "workflow body not specified", id="empty"),
        pytest.param(b'{"workflow":{"metadata":3}}', "metadata must be an object", id="meta"),
        pytest.param(b'{"workflow":{"metadata":{"labels":3}}}', "labels", id="labels"),
        pytest.param(b'{"workflow":' + b'{"a":' * 500 + b"1" + b"}" * 501, "nested", id="deep"),
        pytest.param(b" " * (5 << 20), "too large", id="large"),
    ],
)  # fmt: skip
def test_a_bad_body_is_a_plain_fault(serve, raw, text):
    async def scenario(argo):
        answer = await argo("POST", W, raw=raw)
        assert answer.code == 400
        assert text in answer.body["message"]

    serve(scenario)


def test_a_wrong_method_is_not_implemented(serve):
    async def scenario(argo):
        answer = await argo("PUT", W, {})
        assert (answer.code, answer.body["code"]) == (501, 12)

    serve(scenario)


def test_rights_are_the_callers_own(serve):
    async def scenario(argo):
        await argo.submit("w")
        await argo.submit("w", namespace="b")
        assert (await argo.get(f"{W}/w", token="reader")).code == 200
        for method, path in (
            ("GET", "/argo/api/v1/workflows/b/w"),
            ("GET", "/argo/api/v1/workflows/b"),
            ("GET", "/argo/api/v1/workflows/"),
            ("DELETE", f"{W}/w"),
            ("POST", "/argo/api/v1/sync/a"),
        ):
            body = {"cmName": "c", "key": "k", "limit": 1}
            answer = await argo(method, path, body, token="reader")
            assert (answer.code, answer.body["code"]) == (403, 7), (method, path, answer.raw)

    serve(scenario)
