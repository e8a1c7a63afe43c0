"""Strategic merge patch: lists by key, directives, order."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.apiserver.schemas import facts
from sampan.apiserver.schemas.nodes import Struct
from sampan.kube.errors import BadRequest
from sampan.kube.strategic import Table, strategic


def schema(group: str, kind: str) -> Struct:
    found = facts().schema(group, "v1", kind)
    assert found is not None
    return found.root


POD, DEPLOYMENT, SERVICE = schema("", "Pod"), schema("apps", "Deployment"), schema("", "Service")


def pod(**spec: Any) -> dict[str, Any]:
    return {"spec": spec}


def named(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"name": name, **more} for name in names]


@pytest.mark.parametrize(
    ("live", "patch", "expected"),
    [
        pytest.param(pod(nodeName="a"), pod(nodeName="b"), pod(nodeName="b"), id="scalar"),
        pytest.param(pod(nodeName="a"), pod(nodeName=None), pod(), id="null-removes"),
        pytest.param(
            pod(containers=named("a", image="1")),
            pod(containers=[{"name": "a", "tty": True}, {"name": "b"}]),
            pod(containers=[{"name": "a", "image": "1", "tty": True}, {"name": "b"}]),
            id="merge-by-key",
        ),
        pytest.param(
            pod(containers=named("a", "b")), pod(containers=[{"name": "a", "$patch": "delete"}]),
            pod(containers=named("b")), id="delete-item",
        ),
        pytest.param(
            pod(containers=named("a", "b")), pod(containers=[{"$patch": "replace"}, {"name": "c"}]),
            pod(containers=named("c")), id="replace-list",
        ),
        pytest.param(
            pod(securityContext={"runAsUser": 1}), pod(securityContext={"$patch": "delete"}),
            pod(securityContext={}), id="delete-map",
        ),
        pytest.param(
            pod(securityContext={"runAsUser": 1}),
            pod(securityContext={"$patch": "replace", "runAsGroup": 2}),
            pod(securityContext={"runAsGroup": 2}), id="replace-map",
        ),
        pytest.param(
            pod(tolerations=[{"key": "a"}]), pod(tolerations=[{"key": "b"}]),
            pod(tolerations=[{"key": "b"}]), id="atomic-list",
        ),
        pytest.param(
            {"metadata": {"finalizers": ["a"]}}, {"metadata": {"finalizers": ["a", "b"]}},
            {"metadata": {"finalizers": ["a", "b"]}}, id="primitive-list",
        ),
        pytest.param(
            {"metadata": {"finalizers": ["a", "b"]}},
            {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}},
            {"metadata": {"finalizers": ["b"]}}, id="delete-from-primitive-list",
        ),
        pytest.param(
            pod(containers=named("a", "b", "c")),
            {"spec": {"$setElementOrder/containers": named("c", "a"), "containers": named("c")}},
            pod(containers=named("b", "c", "a")), id="order",
        ),
        pytest.param(
            pod(volumes=[{"name": "v", "emptyDir": {}}]),
            pod(volumes=[{"name": "v", "$retainKeys": ["name", "hostPath"],
                          "hostPath": {"path": "/"}}]),
            pod(volumes=[{"name": "v", "hostPath": {"path": "/"}}]), id="retain-keys",
        ),
        pytest.param(
            {"metadata": {"labels": {"a": "1"}}}, {"metadata": {"labels": {"b": "2", "a": None}}},
            {"metadata": {"labels": {"b": "2"}}}, id="labels",
        ),
        pytest.param(
            pod(), pod(containers=[{"name": "x", "$patch": "delete"}, {"name": "y", "tty": None}]),
            pod(containers=named("y")), id="no-directives-remain",
        ),
    ],
)  # fmt: skip
def test_patch(live: Any, patch: Any, expected: Any) -> None:
    before = copy.deepcopy((live, patch))
    assert strategic(live, patch, POD) == expected
    assert before == (live, patch)


def test_strategy_of_a_deployment_is_switched_with_retain_keys() -> None:
    live = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert strategic(live, patch, DEPLOYMENT) == {"spec": {"strategy": {"type": "Recreate"}}}


def test_ports_of_a_service_merge_by_port() -> None:
    live = {"spec": {"ports": [{"port": 80, "targetPort": 1}, {"port": 81}]}}
    patch = {"spec": {"ports": [{"port": 80, "targetPort": 2}]}}
    expected = [{"port": 80, "targetPort": 2}, {"port": 81}]
    assert strategic(live, patch, SERVICE) == {"spec": {"ports": expected}}


@pytest.mark.parametrize(
    "patch",
    [
        {"spec": {"containers": [{"image": "x"}]}},
        {"spec": {"$patch": "jump"}},
        {"spec": {"$retainKeys": ["a"], "nodeName": "b"}},
        {"spec": {"$retainKeys": "a"}},
        {"metadata": {"$deleteFromPrimitiveList/finalizers": "a"}},
        {"spec": {"$setElementOrder/containers": 3}},
        {"spec": {"containers": ["a", {"name": "b"}]}},
        [],
    ],
)
def test_patches_that_make_no_sense(patch: Any) -> None:
    with pytest.raises(BadRequest):
        strategic(pod(containers=named("a")), patch, POD)


def test_what_is_not_touched_is_shared() -> None:
    live = {"metadata": {"labels": {"a": "b"}}, **pod(containers=named("a"))}
    assert strategic(live, {"metadata": {"labels": {"c": "d"}}}, POD)["spec"] is live["spec"]


values = st.recursive(
    st.none() | st.booleans() | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "$patch", "$retainKeys", "containers", "$setElementOrder/containers",
                 "$deleteFromPrimitiveList/finalizers", "finalizers", "env"]
            ),
            inner, max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@given(values, values)
def test_any_patch_is_carried_out_or_refused(live: Any, patch: Any) -> None:
    before = copy.deepcopy((live, patch))
    with contextlib.suppress(BadRequest):
        strategic({"spec": live, "metadata": live}, {"spec": patch, "metadata": patch}, POD)
    assert before == (live, patch)


def test_a_new_item_of_the_patch_comes_first_as_on_a_real_server() -> None:
    merged = strategic(pod(containers=named("a")), pod(containers=named("b")), POD)
    assert merged["spec"]["containers"] == named("b", "a")


def test_a_table_of_keys_is_a_shape_too() -> None:
    shape = Table({"templates": "name", "env": "name"})
    live = {
        "templates": [{"name": "t", "container": {"args": ["1"], "env": named("x", value="1")}}]
    }
    patch = {"templates": [{"name": "t", "container": {"args": ["2"], "env": named("y")}}]}
    (merged,) = strategic(live, patch, shape)["templates"]
    assert merged["container"] == {"args": ["2"], "env": [*named("y"), *named("x", value="1")]}
