"""Who may ask: tokens, anonymity, impersonation, and the reviews."""

from __future__ import annotations

import ssl
from base64 import b64decode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sampan.apiserver import certificates
from sampan.kube.access import Attributes, User
from sampan.lib.clock import SystemClock

PODS = "/api/v1/namespaces/a/pods"
ACCESS = "/apis/authorization.k8s.io/v1"
IDENTITY = "/apis/authentication.k8s.io/v1"


@pytest.mark.parametrize("path", ["/api", "/apis", "/metrics", "/openapi/v3", "/"])
def test_anonymous_may_not_look_around(serve: Callable[..., None], path: str) -> None:
    async def scenario(client: Any) -> None:
        answer = await client.get(path, token="")
        assert answer.code == 403
        assert answer.message == f'forbidden: User "system:anonymous" cannot get path "{path}"'

    serve(scenario)


def test_headers_say_nothing_about_identity(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        forged = {"X-Remote-User": "admin", "X-Remote-Group": "system:masters"}
        assert (await client.get(PODS, token="", headers=forged)).code == 403
        basic = await client.get(PODS, token="", headers={"Authorization": "Basic YWRtaW46YQ=="})
        assert basic.code == 401

    serve(scenario)


def introduced(
    client: Any, signer: certificates.Certificates, place: Path
) -> aiohttp.ClientSession:
    """A session whose certificate, signed by `signer`, names the reader."""
    made = certificates.for_client(signer, "reader", ["crew"], SystemClock())
    (place / "client.pem").write_bytes(made.certificate + made.key)
    context = ssl.create_default_context(cafile=client.authority)
    context.load_cert_chain(place / "client.pem")
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))


def test_a_certificate_of_our_ca_says_who_asks(
    serve: Callable[..., None], certs: certificates.Certificates, tmp_path: Path
) -> None:
    async def scenario(client: Any) -> None:
        async with introduced(client, certs, tmp_path) as session:
            answer = await session.post(
                f"{client.url}{IDENTITY}/selfsubjectreviews", json={"kind": "SelfSubjectReview"}
            )
            user = (await answer.json())["status"]["userInfo"]
            assert user == {"username": "reader", "groups": ["crew", "system:authenticated"]}
            assert (await session.post(f"{client.url}{PODS}", json={})).status == 403
            as_admin = {"Authorization": "Bearer admin"}
            assert (await session.get(f"{client.url}/metrics", headers=as_admin)).status != 403
            as_nobody = {"Authorization": "Bearer nonsense"}
            assert (await session.get(f"{client.url}{PODS}", headers=as_nobody)).status == 401
            watching = session.ws_connect(f"{client.url}{PODS}/p/exec?command=x")
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await watching
            assert refused.value.status == 403  # the reader's, who may not create

    serve(scenario)


def test_a_certificate_of_another_ca_opens_nothing(
    serve: Callable[..., None], tmp_path: Path
) -> None:
    async def scenario(client: Any) -> None:
        other = certificates.ensure(tmp_path / "other", SystemClock())
        async with introduced(client, other, tmp_path) as session:
            with pytest.raises(aiohttp.ClientError):
                await session.get(f"{client.url}{PODS}")

    serve(scenario)


def test_rights_are_asked_for_each_verb(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        assert (await client.get(PODS, token="reader")).code == 200
        refused = await client.post(PODS, {}, token="reader")
        assert refused.code == 403
        assert refused.message == (
            'pods is forbidden: User "reader" cannot create resource "pods" in API group "" in the'
            ' namespace "a"'
        )
        refused = await client("DELETE", "/apis/apps/v1/namespaces/a/deployments/d", token="reader")
        assert refused.message == (
            'deployments.apps "d" is forbidden: User "reader" cannot delete resource "deployments"'
            ' in API group "apps" in the namespace "a"'
        )

    serve(scenario)


def test_impersonation_needs_the_right_to_it(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        as_reader = {"Impersonate-User": "reader"}
        assert (await client.get(PODS, token="deputy")).code == 403
        assert (await client.get(PODS, token="deputy", headers=as_reader)).code == 200
        refused = await client.get(PODS, token="reader", headers={"Impersonate-User": "admin"})
        assert refused.message == (
            'users "admin" is forbidden: User "reader" cannot impersonate resource "users" in API'
            ' group "" at the cluster scope'
        )
        groups = as_reader | {"Impersonate-Group": "system:masters"}
        assert (await client.get(PODS, token="deputy", headers=groups)).code == 403
        account = {"Impersonate-User": "system:serviceaccount:a:robot"}
        who = await client.post(f"{IDENTITY}/selfsubjectreviews", {}, headers=account)
        assert who.body["status"]["userInfo"] == {
            "username": "system:serviceaccount:a:robot",
            "groups": [
                "system:serviceaccounts",
                "system:serviceaccounts:a",
                "system:authenticated",
            ],
        }

    serve(scenario)


def test_a_user_may_be_impersonated_with_all_that_belongs_to_him(
    serve: Callable[..., None],
) -> None:
    async def scenario(client: Any) -> None:
        headers = {
            "Impersonate-User": "mia",
            "Impersonate-Uid": "7",
            "Impersonate-Group": "dev",
            "Impersonate-Extra-Example.com%2Fscope": "view",
        }
        path = f"{IDENTITY}/selfsubjectreviews"
        who = await client.post(path, {}, headers=headers)
        assert who.body["status"]["userInfo"] == {
            "username": "mia",
            "uid": "7",
            "groups": ["dev", "system:authenticated"],
            "extra": {"example.com/scope": ["view"]},
        }
        for alone in ("Uid", "Group", "Extra-x"):
            nobody = {f"Impersonate-{alone}": "x"}
            assert (await client.post(path, {}, headers=nobody)).code == 400
        for right in ("Uid", "Extra-x"):
            headers = {"Impersonate-User": "reader", f"Impersonate-{right}": "7"}
            answer = await client.get(PODS, token="deputy", headers=headers)
            assert answer.code == 403
            assert 'in API group "authentication.k8s.io" at the cluster scope' in answer.message

    serve(scenario)


def test_one_name_may_be_listed_by_who_may_get_it(serve: Callable[..., None]) -> None:
    seen: list[Attributes] = []

    async def scenario(client: Any) -> None:
        access = client.server.asgi._access
        allowed = access.authorizer.allowed

        def note(user: User, asks: Attributes) -> bool:
            seen.append(asks)
            return bool(allowed(user, asks))

        access.authorizer.allowed = note
        await client.get(f"{PODS}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dp")
        assert seen[-1] == Attributes("watch", resource="pods", namespace="a", name="p")
        await client.get(f"{PODS}?fieldSelector=metadata.name!%3Dp")
        assert seen[-1] == Attributes("list", resource="pods", namespace="a")

    serve(scenario)


def test_self_reviews(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        spec = {"resourceAttributes": {"verb": "create", "resource": "pods", "namespace": "a"}}
        answer = await client.post(f"{ACCESS}/selfsubjectaccessreviews", {"spec": spec})
        assert answer.code == 201
        assert answer.body["status"] == {"allowed": True, "reason": "as the test says"}
        subject = {"spec": spec | {"user": "reader"}}
        answer = await client.post(f"{ACCESS}/subjectaccessreviews", subject)
        assert answer.body["status"] == {"allowed": False}
        local = f"{ACCESS}/namespaces/a/localsubjectaccessreviews"
        assert (await client.post(local, subject)).body["status"] == {"allowed": False}
        rules = await client.post(f"{ACCESS}/selfsubjectrulesreviews", {"spec": {"namespace": "a"}})
        assert rules.body["status"] == {
            "resourceRules": [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}],
            "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/api"]}],
            "incomplete": False,
        }
        nothing = await client.post(f"{ACCESS}/selfsubjectaccessreviews", {"spec": {}})
        assert nothing.code == 422
        both = spec | {"nonResourceAttributes": {"path": "/x", "verb": "get"}}
        answer = await client.post(f"{ACCESS}/subjectaccessreviews", {"spec": both})
        assert [cause["field"] for cause in answer.body["details"]["causes"]] == [
            "spec.nonResourceAttributes",
            "spec.user",
        ]
        elsewhere = {"spec": spec | {"user": "reader"}}
        answer = await client.post(local.replace("/a/", "/b/"), elsewhere)
        assert "must match metadata.namespace" in answer.message

    serve(scenario)


def test_token_reviews(serve: Callable[..., None]) -> None:
    def review(token: str, audiences: Sequence[str]) -> tuple[User, list[str]] | None:
        if token == "reader":
            return User("reader"), ["api"]
        return (User("pipe"), [a for a in audiences if a == "pipes"]) if token == "t" else None

    async def scenario(client: Any) -> None:
        path = f"{IDENTITY}/tokenreviews"
        known = await client.post(path, {"spec": {"token": "reader"}})
        assert known.body["status"]["authenticated"] is True
        assert known.body["status"]["user"]["username"] == "reader"
        assert known.body["status"]["audiences"] == ["api"]
        assert (await client.post(path, {"spec": {}})).code == 400
        unknown = await client.post(path, {"spec": {"token": "x"}})
        assert "authenticated" not in unknown.body["status"]
        spec = {"token": "t", "audiences": ["pipes", "other"]}
        piped = await client.post(path, {"spec": spec})
        assert piped.body["status"]["audiences"] == ["pipes"]

    serve(scenario, review=review)


def test_service_account_tokens(serve: Callable[..., None]) -> None:
    def issue(account: Any, audiences: Sequence[str], seconds: int, pod: Any) -> Any:
        bound = pod["metadata"]["name"] if pod else "-"
        text = f"{account['metadata']['name']}/{','.join(audiences)}/{seconds}/{bound}"
        return text, datetime(2030, 1, 1, tzinfo=UTC)

    async def scenario(client: Any) -> None:
        accounts = "/api/v1/namespaces/a/serviceaccounts"
        path = f"{accounts}/robot/token"
        assert (await client.post(path, {})).code == 404
        await client.post(accounts, {"metadata": {"name": "robot"}})
        done = await client.post(path, {"spec": {"audiences": ["x"], "expirationSeconds": 700}})
        assert done.code == 201, done.body
        assert done.body["status"] == {
            "token": "robot/x/700/-",
            "expirationTimestamp": "2030-01-01T00:00:00Z",
        }
        short = await client.post(path, {"spec": {"expirationSeconds": 10}})
        assert short.code == 422
        assert "may not specify a duration less than 10 minutes" in short.message
        spec = {"containers": [{"name": "c", "image": "i"}]}
        await client.post(PODS, {"metadata": {"name": "q"}, "spec": spec})
        spec["serviceAccountName"] = "robot"  # type: ignore[assignment]
        await client.post(PODS, {"metadata": {"name": "p"}, "spec": spec})
        ref = {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p"}}
        assert (await client.post(path, {"spec": ref})).body["status"]["token"].endswith("/p")
        ref["boundObjectRef"]["uid"] = "other"
        assert (await client.post(path, {"spec": ref})).code == 409
        ref["boundObjectRef"] = {"kind": "Pod", "name": "q"}
        other = await client.post(path, {"spec": ref})
        assert other.code == 400
        assert other.message.endswith("to pod running with different serviceaccount name.")
        ref["boundObjectRef"] = {"kind": "Node", "name": "n"}
        assert (await client.post(path, {"spec": ref})).code == 400
        assert (await client.post(path, {"metadata": {"name": "x"}})).code == 400
        assert (await client.post(path, {})).body["spec"]["audiences"] == ["api"]

    serve(scenario, issue=issue, audience="api")


SECRET = "kubernetes.io/service-account"


def test_secrets_of_accounts_are_filled_in_and_go_with_the_account(
    serve: Callable[..., None],
) -> None:
    def issue(account: Any, secret: Any) -> str:
        return f"{account['metadata']['name']}/{secret['metadata']['name']}"

    async def scenario(client: Any) -> None:
        accounts, secrets = (
            f"/api/v1/namespaces/a/{kind}" for kind in ("serviceaccounts", "secrets")
        )
        made = await client.post(accounts, {"metadata": {"name": "robot"}})

        def secret(name: str, account: str) -> Any:
            annotations = {f"{SECRET}.name": account}
            return {
                "metadata": {"name": name, "annotations": annotations},
                "type": f"{SECRET}-token",
            }

        async with client.watch(f"{secrets}?watch=true") as watching:
            await client.post(secrets, secret("s", "robot"))
            assert (await watching.next())[0] == "ADDED"
            _, found = await watching.next()
            assert b64decode(found["data"]["token"]) == b"robot/s"
            assert b64decode(found["data"]["namespace"]) == b"a"
            assert found["metadata"]["annotations"][f"{SECRET}.uid"] == made.meta["uid"]
            await client.post(secrets, secret("lost", "nobody"))
            assert await watching.names(2) == [("ADDED", "lost"), ("DELETED", "lost")]
            await client("DELETE", f"{accounts}/robot")
            assert await watching.names(1) == [("DELETED", "s")]

    serve(scenario, issue_lasting=issue)


def test_a_review_is_no_table(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        spec = {"nonResourceAttributes": {"path": "/", "verb": "get"}}
        table = "application/json;as=Table;v=v1;g=meta.k8s.io"
        path = f"{ACCESS}/selfsubjectaccessreviews"
        assert (await client.post(path, {"spec": spec}, accept=table)).code == 406
        assert (await client.post(path, {"spec": spec})).code == 201

    serve(scenario)


JUNK = [None, 5, -1.5, True, "x", [], [1], [None], [[]], {}, {"a": 1}]
POSTED = [
    pytest.param(f"{ACCESS}/subjectaccessreviews", ("user",), id="user"),
    pytest.param(f"{ACCESS}/subjectaccessreviews", ("groups",), id="groups"),
    pytest.param(f"{ACCESS}/subjectaccessreviews", ("extra",), id="extra"),
    pytest.param(f"{ACCESS}/subjectaccessreviews", ("resourceAttributes",), id="attributes"),
    pytest.param(
        f"{ACCESS}/selfsubjectaccessreviews", ("nonResourceAttributes", "path"), id="path"
    ),
    pytest.param(f"{ACCESS}/selfsubjectrulesreviews", ("namespace",), id="namespace"),
    pytest.param(f"{IDENTITY}/tokenreviews", ("audiences",), id="audiences"),
    pytest.param(
        "/api/v1/namespaces/a/serviceaccounts/robot/token", ("boundObjectRef",), id="bound"
    ),
    pytest.param("/api/v1/namespaces/a/pods/p/binding", ("target",), id="binding"),
]


@pytest.mark.parametrize(("path", "field"), POSTED)
def test_junk_is_the_askers_fault(
    serve: Callable[..., None], path: str, field: tuple[str, ...]
) -> None:
    def issue(*asked: Any) -> Any:
        return "t", datetime(2030, 1, 1, tzinfo=UTC)

    async def scenario(client: Any) -> None:
        await client.post("/api/v1/namespaces/a/serviceaccounts", {"metadata": {"name": "robot"}})
        for junk in JUNK:
            spec = {field[0]: junk} if len(field) == 1 else {field[0]: {field[1]: junk}}
            for body in ({"spec": spec}, {"spec": junk}, {"metadata": junk}):
                assert (await client.post(path, body)).code < 500, body

    serve(scenario, issue=issue)
