"""Kinds that are served in two ways: written in one, read in the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CORE, NEW = "/api/v1/namespaces/a/events", "/apis/events.k8s.io/v1/namespaces/a/events"
V1 = "/apis/autoscaling/v1/namespaces/a/horizontalpodautoscalers"
V2 = "/apis/autoscaling/v2/namespaces/a/horizontalpodautoscalers"
EVENT: dict[str, Any] = {
    "metadata": {"name": "e", "namespace": "a"},
    "eventTime": "2026-01-01T00:00:00.000000Z",
    "reportingController": "example.com/me",
    "reportingInstance": "me-1",
    "action": "Watching",
    "reason": "Seen",
    "note": "a boat",
    "type": "Normal",
    "regarding": {"kind": "Pod", "name": "p", "namespace": "a"},
}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
HPA = {
    "metadata": {"name": "h"},
    "spec": {"scaleTargetRef": TARGET, "maxReplicas": 3, "targetCPUUtilizationPercentage": 70},
}


def test_an_event_is_the_same_object_in_both_groups(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        made = await client.post(NEW, EVENT)
        assert made.code == 201, made.body
        assert (made.body["apiVersion"], made.body["note"]) == ("events.k8s.io/v1", "a boat")
        core = (await client.get(f"{CORE}/e")).body
        assert (core["apiVersion"], core["message"]) == ("v1", "a boat")
        assert core["metadata"]["uid"] == made.body["metadata"]["uid"]
        series = {"count": 2, "lastObservedTime": EVENT["eventTime"]}
        await client.merge(f"{NEW}/e", {"series": series, "note": "two boats"})
        core = (await client.get(f"{CORE}/e")).body
        assert (core["message"], core["series"]["count"]) == ("two boats", 2)
        for path, selector in ((NEW, "regarding.name%3Dp"), (CORE, "involvedObject.name%3Dp")):
            found = (await client.get(f"{path}?fieldSelector={selector}")).body
            assert [each["metadata"]["name"] for each in found["items"]] == ["e"]
            assert found["items"][0]["apiVersion"] == found["apiVersion"]
        for path, selector in ((CORE, "source"), (NEW, "reportingController")):
            query = f"fieldSelector={selector}%3Dexample.com/me"
            assert len((await client.get(f"{path}?{query}")).body["items"]) == 1
        refused = await client.get(f"{NEW}?fieldSelector=involvedObject.name%3Dp")
        assert (refused.code, "regarding.name" in refused.message) == (400, True)
        assert (await client("DELETE", f"{NEW}/e")).code == 200
        assert (await client.get(f"{CORE}/e")).code == 404

    serve(scenario)


def test_the_new_group_is_stricter_with_new_events(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        refused = await client.post(NEW, EVENT | {"action": ""})
        assert (refused.code, "action: Required value" in refused.message) == (422, True)

    serve(scenario)


def test_watches_and_tables_speak_their_own_version(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        async with client.watch(f"{NEW}?watch=true") as events:
            await client.post(NEW, EVENT)
            kind, event = await events.next()
            assert (kind, event["note"]) == ("ADDED", "a boat")
        accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
        table = (await client.get(f"{NEW}?includeObject=Object", accept=accept)).body
        assert "a boat" in table["rows"][0]["cells"]
        assert table["rows"][0]["object"]["note"] == "a boat"

    serve(scenario)


def test_an_autoscaler_is_written_in_either_version(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        made = await client.post(V1, HPA)
        assert made.code == 201, made.body
        assert made.body["spec"]["targetCPUUtilizationPercentage"] == 70
        new = (await client.get(f"{V2}/h")).body
        assert new["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 70
        behavior = {"scaleDown": {"stabilizationWindowSeconds": 5}}
        await client.merge(f"{V2}/h", {"spec": {"behavior": behavior}})
        old = (await client.get(f"{V1}/h")).body
        assert "behavior" in str(old["metadata"]["annotations"])
        old["spec"]["maxReplicas"] = 4
        assert (await client("PUT", f"{V1}/h", old)).code == 200
        spec = (await client.get(f"{V2}/h")).body["spec"]
        assert spec["maxReplicas"] == 4
        assert spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 5
        await client.merge(f"{V1}/h", {"spec": {"targetCPUUtilizationPercentage": 60}})
        applied = await client.apply(
            f"{V1}/h?fieldManager=me&force=true",
            {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler",
             "metadata": {"name": "h"}, "spec": {"maxReplicas": 5, "scaleTargetRef": TARGET}},
        )  # fmt: skip
        assert applied.code == 200, applied.body
        assert applied.body["spec"]["targetCPUUtilizationPercentage"] == 60
        assert applied.body["spec"]["maxReplicas"] == 5
        meta = await client.get(
            f"{V1}/h", accept="application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
        )
        assert "behavior" in str(meta.body["metadata"]["annotations"])

    serve(scenario)


def test_an_annotation_that_lies_is_refused(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        told = '[{"type": "Resource", "resource": {"name": 5}}]'
        meta = {"name": "h", "annotations": {"autoscaling.alpha.kubernetes.io/metrics": told}}
        answer = await client.post(V1, HPA | {"metadata": meta})
        assert (answer.code, answer.body["reason"]) == (400, "BadRequest")

    serve(scenario)
