"""What a component adds to new objects of a kind of another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sampan.kube import names
from sampan.kube.component import Component, Rules
from sampan.kube.errors import InternalError
from sampan.kube.keys import Manifest
from sampan.kube.plan import View

PODS = "/api/v1/namespaces/a/pods"
SIDECAR = {"name": "s", "image": "busybox"}


def component(*added: dict[str, Any]) -> Component:
    def inject(view: View, manifest: Manifest) -> bool:
        if "plain" in manifest["metadata"]["name"]:
            return False
        if not added:
            raise InternalError("there is nothing to add")
        spec = manifest["spec"]
        spec["containers"] = [*spec["containers"], *added]
        return True

    return Component(name="injects", rules={names.POD: Rules(inject=inject)})


def pod(name: str = "p") -> dict[str, Any]:
    container = {"name": "c", "image": "busybox"}
    return {"metadata": {"name": name}, "spec": {"containers": [container]}}


def test_what_is_added_is_treated_as_given(serve: Callable[..., None]) -> None:
    limits = {"limits": {"cpu": "1"}}

    async def scenario(client: Any) -> None:
        made = await client.post(PODS, pod())
        assert made.code == 201, made.body
        own, added = made.body["spec"]["containers"]
        assert added["imagePullPolicy"] == "Always"
        assert added["resources"] == {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}
        assert added["volumeMounts"] == own["volumeMounts"]  # the account's token
        assert made.body["status"]["qosClass"] == "Burstable"
        assert "unknown" not in added

    serve(scenario, components=[component({**SIDECAR, "resources": limits, "unknown": 1})])


def test_an_update_adds_nothing(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(PODS, pod())
        patch = {"metadata": {"labels": {"a": "b"}}}
        changed = await client.merge(f"{PODS}/p", patch)
        assert (changed.code, len(changed.body["spec"]["containers"])) == (200, 2)
        plain = await client.post(PODS, pod("plain"))
        assert len(plain.body["spec"]["containers"]) == 1

    serve(scenario, components=[component(SIDECAR)])


@pytest.mark.parametrize(
    ("added", "code", "said"),
    [
        ({"name": "c", "image": "x"}, 422, "spec.containers[1].name: Duplicate value"),
        ({"name": "s", "image": 5}, 400, "cannot unmarshal number"),
        ({"name": "s"}, 422, "spec.containers[1].image"),
    ],
)
def test_what_is_added_may_be_wrong(
    serve: Callable[..., None], added: dict[str, Any], code: int, said: str
) -> None:
    async def scenario(client: Any) -> None:
        answer = await client.post(PODS, pod())
        assert answer.code == code
        assert said in answer.message

    serve(scenario, components=[component(added)])


def test_who_adds_may_refuse(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        answer = await client.post(PODS, pod())
        assert (answer.code, answer.message) == (500, "there is nothing to add")

    serve(scenario, components=[component()])
