"""Server-side apply and managed fields, against what a real server answered."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.apiserver import apply as ssa
from sampan.apiserver.apply.compare import differences, owned_by_creator
from sampan.apiserver.apply.fieldsets import union
from sampan.apiserver.schemas import Schema, facts
from sampan.kube.errors import BadRequest, Conflict

T0, T1, T2 = "2026-11-22T10:25:20Z", "2026-11-22T10:25:21Z", "2026-11-22T10:25:22Z"
Manifest = dict[str, Any]


def schema(group: str, kind: str) -> Schema:
    found = facts().schema(group, "v1", kind)
    assert found is not None
    return found


CONFIG_MAP, DEPLOYMENT, POD = (
    schema("", "ConfigMap"),
    schema("apps", "Deployment"),
    schema("", "Pod"),
)


def applied(
    live: Manifest | None, config: Manifest, manager: str = "m1", *, time: str = T0,
    force: bool = False, of: Schema = CONFIG_MAP, **more: Any,
) -> Manifest:  # fmt: skip
    version = config.get("apiVersion", "v1")
    before = copy.deepcopy((live, config))
    made = ssa.apply(
        live,
        config,
        schema=of,
        manager=manager,
        api_version=version,
        time=time,
        force=force,
        **more,
    )
    assert before == (live, config)
    return made


def tracked(
    live: Manifest | None, new: Manifest, manager: str = "curl", *, time: str = T0,
    of: Schema = CONFIG_MAP, subresource: str = "",
) -> Manifest:  # fmt: skip
    return ssa.track(
        live, new, schema=of, manager=manager, api_version=new["apiVersion"], time=time,
        subresource=subresource,
    )  # fmt: skip


def config_map(data: Any = None, **metadata: Any) -> Manifest:
    made: Manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "b", **metadata},
    }
    return made if data is None else {**made, "data": data}


def managers(manifest: Manifest) -> dict[str, Any]:
    return {
        entry["manager"] + "/" + entry["operation"]: entry["fieldsV1"]
        for entry in manifest["metadata"].get("managedFields", [])
    }


def test_entries_look_as_on_a_real_server() -> None:
    made = applied(None, config_map({"x": "1"}, labels={"l": "1"}))
    assert made["metadata"]["managedFields"] == [
        {"manager": "m1", "operation": "Apply", "apiVersion": "v1", "time": T0,
         "fieldsType": "FieldsV1",
         "fieldsV1": {"f:data": {"f:x": {}}, "f:metadata": {"f:labels": {"f:l": {}}}}}
    ]  # fmt: skip
    taken = applied(made, config_map({"x": "2"}), "m2", time=T1, force=True)
    assert taken["data"] == {"x": "2"}
    assert taken["metadata"]["managedFields"] == [
        {"manager": "m1", "operation": "Apply", "apiVersion": "v1", "time": T0,
         "fieldsType": "FieldsV1", "fieldsV1": {"f:metadata": {"f:labels": {"f:l": {}}}}},
        {"manager": "m2", "operation": "Apply", "apiVersion": "v1", "time": T1,
         "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:x": {}}}},
    ]  # fmt: skip


def test_a_conflict_names_the_manager_and_the_field() -> None:
    live = applied(None, config_map({"x": "1"}))
    with pytest.raises(Conflict) as caught:
        applied(live, config_map({"x": "2"}), "m2")
    assert caught.value.message == 'Apply failed with 1 conflict: conflict with "m1": .data.x'
    assert caught.value.details == {
        "causes": [
            {"reason": "FieldManagerConflict", "message": 'conflict with "m1"', "field": ".data.x"}
        ]
    }


def test_several_conflicts_are_listed_by_manager() -> None:
    live = tracked(None, config_map({"x": "1", "y": "1"}, labels={"a": "1"}))
    live = applied(live, config_map(labels={"a": "1"}), "m1")
    with pytest.raises(Conflict) as caught:
        applied(live, config_map({"x": "2", "y": "2"}, labels={"a": "2"}), "m2")
    assert caught.value.message == (
        "Apply failed with 4 conflicts:"
        ' conflicts with "curl" using v1:\n- .data.x\n- .data.y\n- .metadata.labels.a\n'
        'conflicts with "m1":\n- .metadata.labels.a'
    )


def test_an_update_is_tracked_with_its_parents() -> None:
    made = tracked(None, config_map({"x": "1"}, generateName="n-", uid="u", annotations={"a": "b"}))
    assert managers(made) == {
        "curl/Update": {
            "f:data": {".": {}, "f:x": {}},
            "f:metadata": {"f:annotations": {".": {}, "f:a": {}}, "f:generateName": {}},
        }
    }


def test_a_pod_is_tracked_as_on_a_real_server() -> None:
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"run": "p"}},
        "spec": {
            "restartPolicy": "Always", "securityContext": {},
            "containers": [{
                "name": "main", "image": "busybox", "args": ["a"],
                "resources": {"limits": {"cpu": "1"}},
                "ports": [{"containerPort": 9000}, {"containerPort": 80, "protocol": "TCP"}],
            }],
            "tolerations": [{"key": "a", "operator": "Exists"}],
        },
    }  # fmt: skip
    made = tracked(None, pod, of=POD)
    container = {
        ".": {}, "f:args": {}, "f:image": {}, "f:name": {},
        "f:ports": {
            ".": {},
            'k:{"containerPort":80,"protocol":"TCP"}': {
                ".": {}, "f:containerPort": {}, "f:protocol": {}},
            'k:{"containerPort":9000,"protocol":"TCP"}': {".": {}, "f:containerPort": {}},
        },
        "f:resources": {".": {}, "f:limits": {".": {}, "f:cpu": {}}},
    }  # fmt: skip
    assert managers(made)["curl/Update"] == {
        "f:metadata": {"f:labels": {".": {}, "f:run": {}}},
        "f:spec": {
            "f:containers": {".": {}, 'k:{"name":"main"}': container}, "f:restartPolicy": {},
            "f:securityContext": {}, "f:tolerations": {},
        },
    }  # fmt: skip
    ports = managers(made)["curl/Update"]["f:spec"]["f:containers"]['k:{"name":"main"}']["f:ports"]
    assert list(ports) == [".", 'k:{"containerPort":80,"protocol":"TCP"}',
                           'k:{"containerPort":9000,"protocol":"TCP"}']  # fmt: skip


def test_an_update_takes_what_it_changes_and_forgets_what_it_removes() -> None:
    live = tracked(None, config_map({"x": "1", "y": "1", "z": "1"}), "a")
    new = {**live, "data": {"x": "2", "y": "1"}}
    made = tracked(live, new, "b", time=T1)
    assert managers(made) == {
        "a/Update": {"f:data": {".": {}, "f:y": {}}},
        "b/Update": {"f:data": {"f:x": {}}},
    }


def test_an_update_that_changes_nothing_changes_no_time() -> None:
    live = tracked(None, config_map({"x": "1"}))
    assert tracked(live, copy.deepcopy(live), time=T1) == live
    assert tracked(live, config_map({"x": "1"}), time=T1) == live


def test_updates_through_subresources_have_their_own_entry() -> None:
    base = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "strategy": {
                "type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}  # fmt: skip
    live = tracked(None, base, "kubectl", of=DEPLOYMENT)
    assert managers(live)["kubectl/Update"] == {
        "f:spec": {
            "f:replicas": {}, "f:selector": {},
            "f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}}, "f:type": {}},
        }
    }  # fmt: skip
    conditions = [{"type": "Available", "status": "True"}]
    new = {**live, "status": {"replicas": 1, "conditions": conditions}}
    made = tracked(live, new, "controller", of=DEPLOYMENT, subresource="status", time=T1)
    entry = made["metadata"]["managedFields"][1]
    assert list(entry)[-1] == "subresource"
    assert entry["subresource"] == "status"
    assert entry["fieldsV1"] == {
        "f:status": {
            "f:conditions": {
                ".": {}, 'k:{"type":"Available"}': {".": {}, "f:status": {}, "f:type": {}}},
            "f:replicas": {},
        }
    }  # fmt: skip


def test_a_client_may_reset_managed_fields() -> None:
    live = tracked(None, config_map({"x": "1"}))
    new = {**live, "metadata": {**live["metadata"], "managedFields": [{}]}}
    made = tracked(live, new)
    assert "managedFields" not in made["metadata"]
    assert "managedFields" not in tracked(made, {**made, "data": {"x": "2"}})["metadata"]
    back = applied(made, config_map({"x": "1"}), time=T1)
    assert managers(back) == {
        "m1/Apply": {"f:data": {"f:x": {}}},
        "before-first-apply/Update": {"f:data": {".": {}, "f:x": {}}},
    }


def test_managed_fields_that_make_no_sense_are_ignored() -> None:
    live = tracked(None, config_map({"x": "1"}))
    for nonsense in (
        [{"operation": "Jump"}], [{"operation": "Update", "fieldsV1": {"x": 1}}], ["x"], "x",
        [{"operation": "Update", "fieldsV1": {"f:a": {"f:b": 3}}}],
    ):  # fmt: skip
        new = {**live, "metadata": {**live["metadata"], "managedFields": nonsense}}
        assert tracked(live, new, time=T1) == live


def test_the_oldest_updaters_are_thrown_together() -> None:
    live = tracked(None, config_map({"k0": "0"}), "m00")
    for n in range(1, 15):
        data = {**live["data"], f"k{n}": str(n)}
        live = tracked(live, {**live, "data": data}, f"m{n:02}", time=f"2026-11-22T11:00:{n:02}Z")
    entries = live["metadata"]["managedFields"]
    assert len(entries) == 10
    assert entries[0]["manager"] == "ancient-changes"
    assert set(entries[0]["fieldsV1"]["f:data"]) == {".", "f:k0", "f:k1", "f:k2", "f:k3", "f:k4",
                                                     "f:k5"}  # fmt: skip


def test_what_is_no_longer_applied_goes_away() -> None:
    live = applied(None, config_map({"x": "1", "y": "1"}, labels={"a": "1"}))
    live = applied(live, config_map({"y": "1"}), "m2")
    made = applied(live, config_map({"x": "1"}), time=T1)
    assert made["data"] == {"x": "1", "y": "1"}
    assert "labels" not in made["metadata"]
    assert managers(made) == {
        "m1/Apply": {"f:data": {"f:x": {}}},
        "m2/Apply": {"f:data": {"f:y": {}}},
    }
    gone = applied(made, config_map(), "m2", time=T2)
    assert gone["data"] == {"x": "1"}
    assert "m2/Apply" not in managers(gone)


def test_fields_nobody_owns_stay() -> None:
    live = applied(None, config_map({"x": "1"}))
    live = {**live, "data": {**live["data"], "free": "1"}}
    assert applied(live, config_map({"x": "2"}))["data"] == {"x": "2", "free": "1"}


def deployment(*containers: Manifest) -> Manifest:
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
        "spec": {"template": {"spec": {"containers": list(containers)}}},
    }  # fmt: skip


def names(manifest: Manifest) -> list[str]:
    return [c["name"] for c in manifest["spec"]["template"]["spec"]["containers"]]


def test_list_maps_merge_by_key() -> None:
    live = applied(None, deployment({"name": "a", "image": "1"}), of=DEPLOYMENT)
    side = deployment({"name": "b", "image": "2", "env": [{"name": "E", "value": "1"}]})
    made = applied(live, side, "m2", of=DEPLOYMENT)
    assert names(made) == ["a", "b"]
    with pytest.raises(Conflict, match=r'\.containers\[name="a"\]\.image'):
        applied(made, deployment({"name": "a", "image": "9"}), "m3", of=DEPLOYMENT)
    less = applied(made, deployment({"name": "b", "image": "2"}), "m2", of=DEPLOYMENT, time=T1)
    assert less["spec"]["template"]["spec"]["containers"][1] == {"name": "b", "image": "2"}
    gone = applied(less, deployment(), "m2", of=DEPLOYMENT, time=T2)
    assert names(gone) == ["a"]


@pytest.mark.parametrize(
    ("live", "config", "expected"),
    [
        ("ab", "c", "abc"), ("ab", "ba", "ba"), ("abc", "ca", "bca"), ("abc", "xb", "axbc"),
        ("abc", "bx", "abcx"), ("", "ab", "ab"),
    ],
)  # fmt: skip
def test_order_of_merged_lists(live: str, config: str, expected: str) -> None:
    made = applied(None, deployment(*({"name": n, "image": n} for n in live)), of=DEPLOYMENT)
    other = deployment(*({"name": n, "image": n} for n in config))
    assert "".join(names(applied(made, other, "m2", of=DEPLOYMENT))) == expected


def test_sets_and_atomic_lists() -> None:
    live = applied(None, config_map(finalizers=["a/x"]))
    made = applied(live, config_map(finalizers=["a/y"]), "m2")
    assert made["metadata"]["finalizers"] == ["a/x", "a/y"]
    assert managers(made)["m2/Apply"] == {"f:metadata": {"f:finalizers": {'v:"a/y"': {}}}}
    first = applied(None, deployment({"name": "a", "args": ["1", "2"]}), of=DEPLOYMENT)
    with pytest.raises(Conflict, match=r"\.args"):
        applied(first, deployment({"name": "a", "args": ["1"]}), "m2", of=DEPLOYMENT)


def test_keys_may_come_from_defaults_but_not_be_missing() -> None:
    live = applied(None, deployment({"name": "a", "ports": [{"containerPort": 80}]}), of=DEPLOYMENT)
    other = deployment({"name": "a", "ports": [{"containerPort": 80, "protocol": "TCP"}]})
    made = applied(live, other, "m2", of=DEPLOYMENT)
    assert len(made["spec"]["template"]["spec"]["containers"][0]["ports"]) == 1
    with pytest.raises(BadRequest, match='omits key field "name"'):
        applied(None, deployment({"image": "x"}), of=DEPLOYMENT)
    with pytest.raises(BadRequest, match=r'duplicate entries for key \[name="a"\]'):
        applied(None, deployment({"name": "a"}, {"name": "a"}), of=DEPLOYMENT)


def test_managed_fields_may_not_be_applied() -> None:
    with pytest.raises(BadRequest, match="must be nil"):
        applied(None, config_map(managedFields=[{}]))


def test_custom_resources_follow_their_list_types() -> None:
    items = {"type": "object", "properties": {"n": {"type": "string"}, "v": {"type": "string"}}}
    custom = Schema.from_crd({"type": "object", "properties": {"spec": {
        "type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {
            "map": {"type": "array", "items": items, "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["n"]},
            "whole": {"type": "object", "x-kubernetes-map-type": "atomic",
                      "additionalProperties": {"type": "string"}}}}}})  # fmt: skip
    base = {"apiVersion": "x.io/v1", "kind": "Foo", "metadata": {"name": "a"}}
    spec = {"map": [{"n": "a", "v": "1"}], "whole": {"k": "v"}, "free": {"deep": {"x": 1}}}
    live = applied(None, {**base, "spec": spec}, of=custom)
    assert managers(live)["m1/Apply"]["f:spec"] == {
        "f:free": {".": {}, "f:deep": {".": {}, "f:x": {}}},
        "f:map": {'k:{"n":"a"}': {".": {}, "f:n": {}, "f:v": {}}},
        "f:whole": {},
    }
    more = {**base, "spec": {"map": [{"n": "b"}], "free": {"deep": {"y": 2}}}}
    made = applied(live, more, "m2", of=custom)
    assert made["spec"]["map"] == [{"n": "a", "v": "1"}, {"n": "b"}]
    assert made["spec"]["free"] == {"deep": {"x": 1, "y": 2}}
    created = tracked(None, {**base, "spec": {"free": {"a": 1}}}, of=custom)
    assert managers(created)["curl/Update"] == {"f:spec": {".": {}, "f:free": {".": {}, "f:a": {}}}}


def test_sections_that_an_endpoint_does_not_write_are_ignored() -> None:
    config = {**deployment({"name": "a"}), "status": {"replicas": 3}}
    made = applied(None, config, of=DEPLOYMENT, ignore=("status",))
    assert "status" not in made
    assert "f:status" not in managers(made)["m1/Apply"]


keys = st.sampled_from(["a", "b", "c"])
datas = st.dictionaries(keys, st.sampled_from(["1", "2"]), max_size=3)
containers = st.lists(
    st.builds(
        lambda name, image, env: {"name": name, "image": image, "env": env},
        keys,
        st.sampled_from(["x", "y"]),
        st.lists(st.builds(lambda n, v: {"name": n, "value": v}, keys, keys), max_size=2,
                 unique_by=lambda e: e["name"]),
    ),
    max_size=3, unique_by=lambda c: c["name"],
)  # fmt: skip
deployments = containers.map(lambda found: deployment(*found))


@given(deployments, deployments)
def test_apply_is_idempotent(first: Manifest, second: Manifest) -> None:
    live = applied(None, first, of=DEPLOYMENT)
    once = applied(live, second, of=DEPLOYMENT, time=T1)
    assert applied(once, second, of=DEPLOYMENT, time=T2) == once


@given(deployments, deployments, deployments)
def test_forced_fields_hold_and_can_be_applied_again(a: Manifest, b: Manifest, c: Manifest) -> None:
    live = applied(applied(None, a, of=DEPLOYMENT), b, "m2", of=DEPLOYMENT, force=True)
    made = applied(live, c, "m3", of=DEPLOYMENT, force=True, time=T1)
    assert applied(made, c, "m3", of=DEPLOYMENT, time=T2) == made
    by_name = {item["name"]: item for item in made["spec"]["template"]["spec"]["containers"]}
    for container in c["spec"]["template"]["spec"]["containers"]:
        assert by_name[container["name"]]["image"] == container["image"]


@given(datas, datas)
def test_managers_of_different_fields_never_conflict(left: Any, right: Any) -> None:
    right = {"x" + key: value for key, value in right.items()}
    live = applied(None, config_map(left))
    made = applied(live, config_map(right), "m2")
    assert made.get("data", {}) == {**left, **right}
    assert applied(made, config_map(left))["data"] == {**left, **right}


@given(deployments, deployments)
def test_applying_what_others_updated_to_never_conflicts(a: Manifest, b: Manifest) -> None:
    live = tracked(tracked(None, a, of=DEPLOYMENT), b, "m2", of=DEPLOYMENT)
    made = applied(live, b, "m3", of=DEPLOYMENT)
    assert made["spec"] == b["spec"]


words = st.sampled_from([
    "metadata", "labels", "spec", "template", "containers", "name", "resources", "limits",
    "selector", "matchLabels", "nodeSelector", "status", "strategy", "data", "x",
])  # fmt: skip
anything = st.recursive(
    st.sampled_from(["1", "2"]),
    lambda inner: (
        (below := st.dictionaries(words, inner, max_size=4)) | st.lists(below, max_size=2)
    ),
)
KEEPS_ALL = Schema.from_crd({})


@given(st.dictionaries(words, anything), st.sampled_from([POD, DEPLOYMENT, CONFIG_MAP, KEEPS_ALL]))
def test_a_creator_owns_what_differs_from_nothing(manifest: Manifest, of: Schema) -> None:
    found = differences({"metadata": {}}, manifest, of.root)
    mine = owned_by_creator(manifest, of.root, there=("metadata",))
    assert str(mine) == str(union(found.modified, found.added))  # in the same order, too
