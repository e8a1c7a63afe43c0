"""APIServices: those of the server's own groups, and those that nobody answers for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PATH = "/apis/apiregistration.k8s.io/v1/apiservices"
FOREIGN = {
    "metadata": {"name": "v1.boats.example.com"},
    "spec": {
        "group": "boats.example.com",
        "version": "v1",
        "groupPriorityMinimum": 100,
        "versionPriority": 1,
        "service": {"name": "boats", "namespace": "a"},
    },
}


def available(manifest: dict[str, Any]) -> tuple[str, str]:
    (condition,) = manifest["status"]["conditions"]
    assert condition["type"] == "Available"
    return condition["status"], condition["reason"]


def test_own_groups_are_listed_as_local(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        items = {each["metadata"]["name"]: each for each in (await client.get(PATH)).body["items"]}
        wanted = {"v1.", "v1.apps", "v2.autoscaling", "v1.autoscaling", "v1beta1.metrics.k8s.io"}
        assert wanted <= items.keys()
        assert available(items["v1.apps"]) == ("True", "Local")
        assert items["v1."]["spec"]["group"] == ""
        one = (await client.get(f"{PATH}/v1.apps")).body
        assert one == items["v1.apps"]
        accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
        table = (await client.get(f"{PATH}/v1.apps", accept=accept)).body
        assert table["rows"][0]["cells"][:3] == ["v1.apps", "Local", "True"]
        order = (items["v2.autoscaling"], items["v1.autoscaling"])
        first, second = (each["spec"]["versionPriority"] for each in order)
        assert first > second

    serve(scenario)


def test_a_foreign_one_is_kept_but_not_available(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        made = await client.post(PATH, FOREIGN)
        assert made.code == 201, made.body
        assert "forwards no requests" in made.headers["Warning"]
        path = f"{PATH}/v1.boats.example.com"
        assert available((await client.get(path)).body) == ("False", "NotForwarded")
        changed = await client.merge(path, {"metadata": {"labels": {"a": "b"}}})
        assert changed.code == 200, changed.body
        found = (await client.get(f"{PATH}?labelSelector=a%3Db")).body["items"]
        assert [each["metadata"]["name"] for each in found] == ["v1.boats.example.com"]
        assert (await client("DELETE", path)).code == 200
        assert (await client.get(path)).code == 404

    serve(scenario)


def test_local_ones_cannot_be_changed(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        answer = await client.merge(f"{PATH}/v1.apps", {"metadata": {"labels": {"a": "b"}}})
        assert answer.code == 404
        assert (await client("DELETE", f"{PATH}/v1.apps")).code == 404

    serve(scenario)
