"""Admission webhooks: who is asked what, and what their answers do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from tests.apiserver.admitting.conftest import (
    REGISTRATION,
    SERVICE,
    allow,
    config_map,
    configuration,
    configure,
    deny,
    hook,
    patch,
    rule,
)

MAPS = "/api/v1/namespaces/a/configmaps"
Hooked = Callable[..., None]


def test_a_webhook_denies(hooked: Hooked) -> None:
    async def scenario(client: Any, hooks: Any) -> None:
        await configure(
            client, "Validating", hooks.at("/no", deny("not today", code=403, reason="Forbidden"))
        )
        refused = await client.post(MAPS, config_map())
        assert (refused.code, refused.body["reason"]) == (403, "Forbidden")
        assert refused.message == 'admission webhook "no.example.com" denied the request: not today'
        [request] = hooks.of("/no")
        assert request["operation"] == "CREATE"
        assert request["kind"] == {"group": "", "version": "v1", "kind": "ConfigMap"}
        assert request["resource"] == {"group": "", "version": "v1", "resource": "configmaps"}
        assert (request["name"], request["namespace"]) == ("m", "a")
        assert request["userInfo"]["username"] == "admin"
        assert request["object"]["metadata"]["uid"]
        assert request["oldObject"] is None
        assert request["dryRun"] is False
        assert (await client.get(f"{MAPS}/m")).code == 404
        hooks.answers["/no"] = deny()
        assert (await client.post(MAPS, config_map())).message.endswith(
            "request without explanation"
        )

    hooked(scenario)


def test_updates_and_deletes_show_what_was_there(hooked: Hooked) -> None:
    async def scenario(client: Any, hooks: Any) -> None:
        await configure(client, "Validating", hooks.at("/see", allow))
        await client.post(MAPS, config_map(k="1"))
        await client.merge(f"{MAPS}/m", {"data": {"k": "2"}})
        await client("DELETE", f"{MAPS}/m", {"propagationPolicy": "Background"})
        made, changed, gone = hooks.of("/see")
        assert [each["operation"] for each in (made, changed, gone)] == [
            "CREATE",
            "UPDATE",
            "DELETE",
        ]
        assert changed["oldObject"]["data"] == {"k": "1"}
        assert changed["object"]["data"] == {"k": "2"}
        assert changed["options"]["kind"] == "UpdateOptions"
        assert (gone["object"], gone["oldObject"]["data"]) == (None, {"k": "2"})
        hooks.answers["/see"] = deny("stay")
        await client("DELETE", f"{REGISTRATION}/validatingwebhookconfigurations/c")
        await client.post(MAPS, config_map())
        await configure(client, "Validating", hooks.at("/see", deny("stay")))
        refused = await client("DELETE", f"{MAPS}/m")
        assert (refused.code, "stay" in refused.message) == (400, True)
        assert (await client.get(f"{MAPS}/m")).code == 200

    hooked(scenario)


def test_webhooks_change_objects_in_turn(hooked: Hooked) -> None:
    async def scenario(client: Any, hooks: Any) -> None:
        def second(request: Any) -> Any:
            stage = "again" if "two" in request["object"]["data"] else "two"
            return patch({"op": "add", "path": f"/data/{stage}", "value": "x"})(request)

        await configure(
            client,
            "Mutating",
            hooks.at(
                "/first",
                lambda r: allow(r) if len(r["object"]["data"]) < 3 else deny("late")(r),
                reinvocationPolicy="IfNeeded",
            ),
            hooks.at("/second", second),
        )
        made = await client.post(MAPS, config_map(one="x"))
        assert made.body["data"] == {"one": "x", "two": "x"}
        assert len(hooks.of("/first")) == 2, "asked again, because the second one changed something"
        assert len(hooks.of("/second")) == 1
        applied = await client.apply(f"{MAPS}/n?fieldManager=me", config_map("n", one="y"))
        assert applied.body["data"] == {"one": "y", "two": "x"}
        merged = await client.merge(f"{MAPS}/m", {"data": {"three": "x"}})
        assert "late" in merged.message

    hooked(scenario)


def test_what_webhooks_leave_is_defaulted_and_validated(hooked: Hooked) -> None:
    async def scenario(client: Any, hooks: Any) -> None:
        container = {"name": "side", "image": "i"}
        add = patch({"op": "add", "path": "/spec/initContainers", "value": [container]})
        await configure(client, "Mutating", hooks.at("/pod", add, rules=[rule("pods")]))
        pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        made = await client.post("/api/v1/namespaces/a/pods", pod)
        assert made.code == 201, made.body
        assert made.body["spec"]["initContainers"][0]["terminationMessagePolicy"] == "File"
        hooks.answers["/pod"] = patch({"op": "remove", "path": "/spec/containers"})
        refused = await client.post("/api/v1/namespaces/a/pods", pod | {"metadata": {"name": "q"}})
        assert refused.code == 422
        assert "spec.containers: Required value" in refused.message

    hooked(scenario)


def test_only_those_are_asked_whom_it_concerns(hooked: Hooked) -> None:
    async def scenario(client: Any, hooks: Any) -> None:
        never = deny("never")
        label = {"matchLabels": {"l": "v"}}
        await configure(
            client,
            "Validating",
            hooks.at("/rules", never, rules=[rule("secrets"), rule("configmaps", on="DELETE")]),
            hooks.at("/part", never, rules=[rule("configmaps/status")]),
            hooks.at("/scope", never, rules=[rule("*") | {"scope": "Cluster"}]),
            hooks.at("/space", never, namespaceSelector=label),
            hooks.at("/object", never, objectSelector=label),
            hooks.at(
                "/condition",
                never,
                matchConditions=[
                    {"name": "ours", "expression": "request.userInfo.username != 'admin'"}
                ],
            ),
            hooks.at(
                "/asked",
                allow,
                matchConditions=[
                    {
                        "name": "named",
                        "expression": "object.metadata.name == 'm' && oldObject == null",
                    }
                ],
            ),
        )
        made = await client.post(MAPS, config_map())
        assert made.code == 201, made.body
        assert [path for path, _ in hooks.asked] == ["/asked"]
        labelled = config_map("n") | {"metadata": {"name": "n", "labels": {"l": "v"}}}
        assert "object.example.com" in (await client.post(MAPS, labelled)).message
        assert (
            "scope.example.com"
            in (await client.post("/api/v1/namespaces", {"metadata": {"name": "c"}})).message
        )

    hooked(scenario)


def test_a_condition_that_fails_is_judged_by_the_failure_policy(hooked: Hooked) -> None:
    async def scenario(client: Any, hooks: Any) -> None:
        broken = [{"name": "broken", "expression": "object.nope == 1"}]
        strict = hooks.at("/strict", allow, matchConditions=broken)
        await configure(
            client,
            "Validating",
            hooks.at("/lax", allow, matchConditions=broken, failurePolicy="Ignore"),
        )
        assert (await client.post(MAPS, config_map())).code == 201
        await configure(client, "Validating", strict, name="d")
        refused = await client.post(MAPS, config_map("n"))
        assert refused.code == 403
        assert "no such key: nope" in refused.message
        assert hooks.asked == []

    hooked(scenario)


def test_other_versions_are_the_same_resource(hooked: Hooked) -> None:
    async def scenario(client: Any, hooks: Any) -> None:
        schema = {
            "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        }
        versions = [
            {"name": v, "served": True, "storage": v == "v1", "schema": schema}
            for v in ("v1", "v2")
        ]
        crd = {
            "metadata": {"name": "boats.sea.example.com"},
            "spec": {
                "group": "sea.example.com",
                "scope": "Namespaced",
                "versions": versions,
                "names": {"plural": "boats", "kind": "Boat"},
            },
        }
        await client.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
        only = [rule("boats", group="sea.example.com", version="v1")]
        colour = patch({"op": "add", "path": "/colour", "value": "red"})
        await configure(
            client,
            "Mutating",
            hooks.at("/same", colour, rules=only),
            hooks.at("/exact", allow, rules=only, matchPolicy="Exact"),
        )
        boat = {"apiVersion": "sea.example.com/v2", "kind": "Boat", "metadata": {"name": "b"}}
        made = await client.post("/apis/sea.example.com/v2/namespaces/a/boats", boat)
        assert (made.body["apiVersion"], made.body["colour"]) == ("sea.example.com/v2", "red")
        [request] = hooks.of("/same")
        assert (
            request["kind"]["version"] == request["object"]["apiVersion"].partition("/")[2] == "v1"
        )
        assert request["requestKind"]["version"] == "v2"
        assert hooks.of("/exact") == []

    hooked(scenario)


def test_a_webhook_that_fails(hooked: Hooked) -> None:
    async def scenario(client: Any, hooks: Any) -> None:
        nobody = hook("nobody", url="https://127.0.0.1:1/", caBundle=hooks.bundle)
        await configure(client, "Validating", nobody | {"failurePolicy": "Ignore"})
        assert (await client.post(MAPS, config_map())).code == 201
        await configure(client, "Validating", nobody, name="d")
        refused = await client.post(MAPS, config_map("n"))
        assert (refused.code, refused.body["reason"]) == (500, "InternalError")
        assert refused.message == (
            'Internal error occurred: failed calling webhook "nobody.example.com": failed to call'
            ' webhook: Post "https://127.0.0.1:1/?timeout=10s": dial tcp 127.0.0.1:1: connect:'
            " connection refused"
        )

    hooked(scenario)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (lambda r: {"uid": "x", "allowed": True}, "expected response.uid="),
        (lambda r: web.Response(status=500, text="oh"), "HTTP 500: oh"),
        (lambda r: web.Response(text="[]"), "expected webhook response of admission.k8s.io/v1"),
        (lambda r: web.Response(text="{"), "no JSON"),
        (
            lambda r: {"allowed": True, "patch": "!", "patchType": "JSONPatch"},
            "no JSON patch in base64",
        ),
        (lambda r: {"allowed": True, "patch": "W10=", "patchType": "X"}, "unsupported patch type"),
        (patch({"op": "remove", "path": "/nope"}), "the patch cannot be applied"),
        (lambda r: 5.0, "context deadline exceeded"),
    ],
    ids=["uid", "500", "list", "json", "patch", "type", "path", "slow"],
)
def test_answers_that_are_none(hooked: Hooked, answer: Any, text: str) -> None:
    async def scenario(client: Any, hooks: Any) -> None:
        await configure(client, "Mutating", hooks.at("/odd", answer, timeoutSeconds=1))
        refused = await client.post(MAPS, config_map())
        assert refused.code == 500
        assert 'failed calling webhook "odd.example.com"' in refused.message
        assert text in refused.message

    hooked(scenario)


def test_a_certificate_must_be_known(hooked: Hooked) -> None:
    async def scenario(client: Any, hooks: Any) -> None:
        webhook = hooks.at("/trust", allow)
        del webhook["clientConfig"]["caBundle"]
        await configure(client, "Validating", webhook)
        assert (
            "tls: failed to verify certificate" in (await client.post(MAPS, config_map())).message
        )

    hooked(scenario)


def test_warnings_are_passed_on_and_dry_runs_told(hooked: Hooked) -> None:
    async def scenario(client: Any, hooks: Any) -> None:
        await configure(
            client,
            "Validating",
            hooks.at("/warn", lambda r: {"allowed": True, "warnings": ["old hat"]}),
        )
        made = await client.post(f"{MAPS}?dryRun=All", config_map())
        assert "old hat" in made.headers["warning"]
        assert hooks.of("/warn")[0]["dryRun"] is True

    hooked(scenario)


def test_configurations_and_reviews_are_never_sent(hooked: Hooked) -> None:
    async def scenario(client: Any, hooks: Any) -> None:
        everything = [rule("*/*", group="*")]
        await configure(client, "Validating", hooks.at("/all", deny("all"), rules=everything))
        await configure(client, "Mutating", hooks.at("/all", deny("all"), rules=everything))
        review = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
        asked = await client.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
        assert asked.code == 201
        gone = await client("DELETE", f"{REGISTRATION}/validatingwebhookconfigurations/c")
        assert gone.code == 200
        assert hooks.asked == []

    hooked(scenario)


def test_parts_of_objects_and_connections(hooked: Hooked) -> None:
    async def scenario(client: Any, hooks: Any) -> None:
        deployments, pods = "/apis/apps/v1/namespaces/a/deployments", "/api/v1/namespaces/a/pods"
        template = {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        }
        spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
        await client.post(deployments, {"metadata": {"name": "d"}, "spec": spec})
        await client.post(pods, {"metadata": {"name": "p"}, "spec": template["spec"]})
        parts = [
            rule("deployments/scale", group="apps"),
            rule("pods/eviction", "pods/exec", "pods/status"),
        ]
        await configure(client, "Validating", hooks.at("/part", deny("part"), rules=parts))
        scaled = await client.merge(f"{deployments}/d/scale", {"spec": {"replicas": 2}})
        evicted = await client.post(f"{pods}/p/eviction", {"metadata": {"name": "p"}})
        entered = await client.post(f"{pods}/p/exec?command=ls&container=c&stdout=true", b"")
        status = await client.merge(f"{pods}/p/status", {"status": {"phase": "Running"}})
        for answer in (scaled, evicted, entered, status):
            assert 'webhook "part.example.com" denied' in answer.message
        asked = [(r["operation"], r["subResource"], r["kind"]["kind"]) for r in hooks.of("/part")]
        assert asked == [
            ("UPDATE", "scale", "Scale"),
            ("CREATE", "eviction", "Eviction"),
            ("CONNECT", "exec", "PodExecOptions"),
            ("UPDATE", "status", "Pod"),
        ]
        assert hooks.of("/part")[2]["object"]["command"] == ["ls"]

    hooked(scenario)


def test_a_patch_is_made_again_when_the_object_changed_meanwhile(hooked: Hooked) -> None:
    async def scenario(client: Any, hooks: Any) -> None:
        await client.post(MAPS, config_map(a="0", b="0"))
        await configure(client, "Validating", hooks.at("/slow", lambda r: 0.05))
        answers = await asyncio.gather(
            client.merge(f"{MAPS}/m", {"data": {"a": "1"}}),
            client.merge(f"{MAPS}/m", {"data": {"b": "1"}}),
        )
        assert [answer.code for answer in answers] == [200, 200]
        found = await client.get(f"{MAPS}/m")
        assert found.body["data"] == {"a": "1", "b": "1"}
        stale = found.body
        put = await asyncio.gather(
            *(client("PUT", f"{MAPS}/m", stale | {"data": {"c": str(n)}}) for n in (1, 2))
        )
        assert sorted(answer.code for answer in put) == [200, 409]
        twice = await asyncio.gather(
            client.post(MAPS, config_map("n")), client.post(MAPS, config_map("n"))
        )
        assert sorted(answer.code for answer in twice) == [201, 409]

    hooked(scenario)


def test_configurations_hold_after_a_restart_but_not_for_the_founding(serve: Hooked) -> None:
    async def configured(client: Any) -> None:
        await configure(client, "Validating", hook("gone", url="https://127.0.0.1:1/"))

    async def restarted(client: Any) -> None:
        assert (await client.post(MAPS, config_map())).code == 500
        with client.server.hooks.held_open():
            assert (await client.post(MAPS, config_map())).code == 201
        assert (await client.merge(f"{MAPS}/m", {"data": {"a": "b"}})).code == 500
        await client("DELETE", f"{REGISTRATION}/validatingwebhookconfigurations/c")
        assert (await client.merge(f"{MAPS}/m", {"data": {"a": "b"}})).code == 200

    serve(configured)
    serve(restarted)


def test_webhooks_are_asked_side_by_side(hooked: Hooked) -> None:
    async def scenario(client: Any, hooks: Any) -> None:
        slow = [hooks.at(f"/slow{n}", lambda r: 0.3) for n in range(4)]
        await configure(client, "Validating", *slow)
        began = asyncio.get_running_loop().time()
        assert (await client.post(MAPS, config_map())).code == 201
        assert asyncio.get_running_loop().time() - began < 1.1

    hooked(scenario)


class Node:
    """A node whose only pod is the webhook server of the test."""

    def __init__(self) -> None:
        self.port = 0
        self.dialled: list[tuple[str, int]] = []

    async def dial(self, pod: Any, port: int) -> Any:
        self.dialled.append((pod["metadata"]["name"], port))
        return Stream(*await asyncio.open_connection("127.0.0.1", self.port))


class Stream:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def read(self) -> bytes:
        return await self.reader.read(65536)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def close(self) -> None:
        self.writer.close()


def test_a_service_leads_to_a_pod(hooked: Hooked) -> None:
    node = Node()

    async def scenario(client: Any, hooks: Any) -> None:
        node.port = hooks.port
        name = SERVICE.partition(".")[0]
        hooks.answers["/in"] = deny("from inside")
        service = {"name": name, "namespace": "a", "path": "/in"}
        await configure(client, "Validating", hook("in", service=service, caBundle=hooks.bundle))
        lonely = await client.post(MAPS, config_map())
        assert f'Post "https://{SERVICE}:443/in?timeout=10s": ' in lonely.message
        ports = [{"port": 443, "targetPort": 8443}]
        await client.post(
            "/api/v1/namespaces/a/services", {"metadata": {"name": name}, "spec": {"ports": ports}}
        )
        empty = await client.post(MAPS, config_map())
        assert 'no endpoints available for service "hook"' in empty.message
        pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        uid = (await client.post("/api/v1/namespaces/a/pods", pod)).meta["uid"]
        address = {"ip": "127.0.0.2", "targetRef": {"kind": "Pod", "name": "p", "uid": uid}}
        subset = {"addresses": [address], "ports": [{"port": 8443}]}
        made = await client.post(
            "/api/v1/namespaces/a/endpoints", {"metadata": {"name": name}, "subsets": [subset]}
        )
        assert made.code == 201, made.body
        refused = await client.post(MAPS, config_map())
        assert refused.message.endswith("denied the request: from inside")
        assert node.dialled == [("p", 8443)]

    hooked(scenario, node=node)


GOOD = hook("good", url="https://example.com/")


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        ({"name": "short"}, "webhooks[0].name", "at least three segments"),
        (
            {"clientConfig": {"url": "http://e.com"}},
            "webhooks[0].clientConfig.url",
            "only allowed URL scheme",
        ),
        (
            {"clientConfig": {"url": "https://u:p@e.com"}},
            "webhooks[0].clientConfig.url",
            "user information",
        ),
        (
            {"clientConfig": {"url": "https://e.com/?q=1"}},
            "webhooks[0].clientConfig.url",
            "query parameters",
        ),
        ({"clientConfig": {}}, "webhooks[0].clientConfig", "exactly one of url or service"),
        (
            {"clientConfig": {"url": "https://e.com", "caBundle": "AAAA"}},
            "webhooks[0].clientConfig.caBundle",
            "unable",
        ),
        ({"sideEffects": "Some"}, "webhooks[0].sideEffects", "Unsupported value"),
        (
            {"admissionReviewVersions": ["v9"]},
            "webhooks[0].admissionReviewVersions",
            "at least one",
        ),
        ({"timeoutSeconds": 31}, "webhooks[0].timeoutSeconds", "between 1 and 30"),
        ({"failurePolicy": "Nope"}, "webhooks[0].failurePolicy", "Unsupported value"),
        (
            {"rules": [rule("pods", on="READ")]},
            "webhooks[0].rules[0].operations[0]",
            "Unsupported value",
        ),
        ({"rules": [rule()]}, "webhooks[0].rules[0].resources", "Required value"),
        (
            {"matchConditions": [{"name": "x", "expression": "nope"}]},
            "webhooks[0].matchConditions[0].expression",
            "undeclared reference to 'nope'",
        ),
        (
            {"matchConditions": [{"name": "x", "expression": "1"}]},
            "webhooks[0].matchConditions[0].expression",
            "must evaluate to bool",
        ),
    ],
)
def test_configurations_are_validated(serve: Hooked, change: Any, field: str, text: str) -> None:
    async def scenario(client: Any) -> None:
        path = f"{REGISTRATION}/validatingwebhookconfigurations"
        answer = await client.post(path, configuration("Validating", GOOD | change))
        assert answer.code == 422, answer.body
        causes = {cause["field"]: cause["message"] for cause in answer.body["details"]["causes"]}
        assert text in causes[field]

    serve(scenario)


def test_defaults_of_a_configuration(serve: Hooked) -> None:
    async def scenario(client: Any) -> None:
        made = await configure(client, "Mutating", GOOD)
        webhook = made.body["webhooks"][0]
        assert (webhook["failurePolicy"], webhook["timeoutSeconds"], webhook["matchPolicy"]) == (
            "Fail",
            10,
            "Equivalent",
        )
        assert (webhook["reinvocationPolicy"], webhook["rules"][0]["scope"]) == ("Never", "*")
        assert "warning" not in made.headers

    serve(scenario)
