"""What a pod has of kfp-kubernetes: the rules of upstream's tests, re-enacted."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.pipelines.pods.makers import Around, made, main, own_volumes, pipeline, pod
from sampan.kinds.pipelines.ir.faults import Fault, Invalid
from sampan.kinds.pipelines.pods.about import Unbuildable

CONSTANT = {"runtimeValue": {"constant": "named"}}
INPUT = {"componentInputParameter": "given"}
OUTPUT = {"taskOutputParameter": {"producerTask": "maker", "outputParameterKey": "name"}}
AROUND = Around({"given": "named", "nothing": None, "empty": ""}, maker={"name": "named"})
SOURCES = [
    pytest.param(CONSTANT, id="constant"),
    pytest.param(INPUT, id="input-of-the-dag"),
    pytest.param(OUTPUT, id="output-of-a-task"),
]
NOTHING = {"componentInputParameter": "nothing"}


# -- names ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("source", SOURCES)
def test_a_claim_is_mounted(source: dict[str, Any]) -> None:
    spec = made({"pvcMount": [{"mountPath": "/data", "pvcNameParameter": source}]}, AROUND)
    assert own_volumes(spec) == [{"name": "named", "persistentVolumeClaim": {"claimName": "named"}}]
    assert {"name": "named", "mountPath": "/data"} in main(spec)["volumeMounts"]


@pytest.mark.parametrize(
    "old",
    [
        pytest.param({"constant": "named"}, id="constant"),
        pytest.param(INPUT, id="input"),
        pytest.param(OUTPUT, id="output"),
    ],
)
def test_a_claim_is_mounted_as_older_sdks_say_it(old: dict[str, Any]) -> None:
    spec = made({"pvcMount": [{"mountPath": "/data", "subPath": "a/b", **old}]}, AROUND)
    assert own_volumes(spec)[0]["persistentVolumeClaim"] == {"claimName": "named"}
    mount = {"name": "named", "mountPath": "/data", "subPath": "a/b"}
    assert mount in main(spec)["volumeMounts"]


@pytest.mark.parametrize("source", SOURCES)
def test_secrets_and_config_maps_become_files(source: dict[str, Any]) -> None:
    spec = made({
        "secretAsVolume": [{"mountPath": "/s", "secretNameParameter": source}],
        "configMapAsVolume": [
            {"mountPath": "/c", "configMapNameParameter": source, "optional": True}
        ],
    }, AROUND)  # fmt: skip
    secret, config = own_volumes(spec)
    assert secret == {"name": "named", "secret": {"secretName": "named"}}
    assert config["configMap"] == {"name": "named", "optional": True}
    assert config["name"] != "named"
    mounts = {each["mountPath"]: each["name"] for each in main(spec)["volumeMounts"]}
    assert mounts == {"/s": "named", "/c": config["name"], "/kfp-launcher": "kfp-launcher"}


@pytest.mark.parametrize("source", SOURCES)
def test_secrets_and_config_maps_become_variables(source: dict[str, Any]) -> None:
    spec = made({
        "secretAsEnv": [{"secretNameParameter": source, "optional": True,
                         "keyToEnv": [{"secretKey": "k", "envVar": "S"}]}],
        "configMapAsEnv": [{"configMapNameParameter": source, "optional": False,
                            "keyToEnv": [{"configMapKey": "k", "envVar": "C"}]}],
    }, AROUND)  # fmt: skip
    secret = {"secretKeyRef": {"name": "named", "key": "k", "optional": True}}
    config = {"configMapKeyRef": {"name": "named", "key": "k"}}
    assert main(spec)["env"][2:] == [
        {"name": "S", "valueFrom": secret},
        {"name": "C", "valueFrom": config},
    ]


def test_names_may_be_said_as_older_sdks_say_them() -> None:
    spec = made({
        "secretAsVolume": [{"mountPath": "/s", "secretName": "a"}],
        "secretAsEnv": [{"secretName": "b", "keyToEnv": [{"secretKey": "k", "envVar": "S"}]}],
        "configMapAsVolume": [{"mountPath": "/c", "configMapName": "c"}],
        "imagePullSecret": [{"secretName": "d"}, {"secretNameParameter": CONSTANT}],
    })  # fmt: skip
    assert [each["name"] for each in own_volumes(spec)] == ["a", "c"]
    assert spec["imagePullSecrets"] == [{"name": "d"}, {"name": "named"}]


def test_nothing_is_set_from_optional_inputs_that_were_not_given() -> None:
    spec = made({
        "secretAsVolume": [{"mountPath": "/s", "secretNameParameter": NOTHING}],
        "secretAsEnv": [{"secretNameParameter": NOTHING,
                         "keyToEnv": [{"secretKey": "k", "envVar": "S"}]}],
        "configMapAsVolume": [{"mountPath": "/c", "configMapNameParameter": NOTHING}],
        "configMapAsEnv": [{"configMapNameParameter": NOTHING,
                            "keyToEnv": [{"configMapKey": "k", "envVar": "C"}]}],
        "imagePullSecret": [{"secretNameParameter": NOTHING}],
        "nodeSelector": {"nodeSelectorJson": NOTHING},
        "tolerations": [{"tolerationJson": NOTHING}],
        "nodeAffinity": [{"nodeAffinityJson": NOTHING}],
    }, AROUND)  # fmt: skip
    assert spec == made({})


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        pytest.param("has.dots", False, id="dots"),
        pytest.param("x" * 100, False, id="long"),
        pytest.param("fine", True, id="fine"),
    ],
)
def test_volumes_have_valid_names_whatever_is_mounted(name: str, valid: bool) -> None:
    (volume,) = own_volumes(made({"secretAsVolume": [{"mountPath": "/s", "secretName": name}]}))
    assert volume["secret"] == {"secretName": name}
    assert (volume["name"] == name) == valid
    assert len(volume["name"]) <= 63
    assert "." not in volume["name"]


def test_what_is_mounted_twice_is_one_volume() -> None:
    mounts = [{"mountPath": "/a", "secretName": "s"}, {"mountPath": "/b", "secretName": "s"}]
    spec = made({"secretAsVolume": mounts})
    assert len(own_volumes(spec)) == 1
    assert [each["mountPath"] for each in main(spec)["volumeMounts"]] == [
        "/kfp-launcher", "/a", "/b"]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param(
            {"secretAsVolume": [{"mountPath": "/s"}]},
            "missing either SecretName or SecretNameParameter for secret volume",
            id="secret-volume",
        ),
        pytest.param(
            {"secretAsEnv": [{"keyToEnv": []}]},
            "missing either SecretName or SecretNameParameter for secret environment variable",
            id="secret-variable",
        ),
        pytest.param(
            {"configMapAsVolume": [{"mountPath": "/s"}]},
            "missing either ConfigMapName or ConfigNameParameter for config volume",
            id="config-volume",
        ),
        pytest.param(
            {"imagePullSecret": [{}]},
            "missing either SecretName or SecretNameParameter for image pull secret",
            id="pull-secret",
        ),
        pytest.param(
            {"pvcMount": [{"mountPath": "/data"}]}, "volume name not provided", id="claim"
        ),
        pytest.param(
            {"pvcMount": [{"constant": "c"}]},
            "failed to mount volume, missing mountpath or pvc name",
            id="claim-without-path",
        ),
        pytest.param(
            {"secretAsVolume": [
                {"mountPath": "/s", "secretNameParameter": {"componentInputParameter": "empty"}}
            ]},
            "failed to resolve secret name: expected a non-empty string",
            id="empty-name",
        ),
        pytest.param(
            {"imagePullPolicy": "Sometimes"},
            "unsupported value: Sometimes. ImagePullPolicy should be one of",
            id="pull-policy",
        ),
        pytest.param(
            {"genericEphemeralVolume": [{"volumeName": "v", "mountPath": "/v", "size": "big"}]},
            "size of generic ephemeral volume 'v': 'big' is no quantity",
            id="ephemeral-size",
        ),
        pytest.param(
            {"emptyDirMounts": [{"volumeName": "v", "mountPath": "/v", "sizeLimit": "big"}]},
            "size limit of emptyDir volume 'v': 'big' is no quantity",
            id="empty-dir-size",
        ),
        pytest.param(
            {"securityContext": {"runAsUser": 0, "runAsNonRoot": True}},
            r"runAsUser=0 \(root\) is not allowed",
            id="root-that-is-none",
        ),
        pytest.param(
            {"tolerations": [{"tolerationJson": INPUT}]},
            "must be either struct or list type",
            id="toleration",
        ),
        pytest.param(
            {"nodeSelector": {"nodeSelectorJson": INPUT}},
            "failed to resolve node selector: expected a struct",
            id="selector",
        ),
    ],
)  # fmt: skip
def test_settings_that_make_no_pod_say_why(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(Unbuildable, match=message):
        made(settings, AROUND)


def test_a_name_that_the_dag_does_not_have_fails_the_task() -> None:
    mount = {"mountPath": "/s", "secretNameParameter": {"componentInputParameter": "none"}}
    settings = {"secretAsVolume": [mount]}
    with pytest.raises(Fault, match="none"):
        made(settings, AROUND)


def test_a_setting_may_be_a_part_of_a_value() -> None:
    part = {**INPUT, "parameterExpressionSelector": 'struct_value["pool"]'}
    selector = {"nodeSelector": {"nodeSelectorJson": part}}
    around = Around({"given": {"pool": {"gpu": "yes"}, "other": 1}})
    assert made(selector, around)["nodeSelector"] == {"gpu": "yes"}


def test_a_field_that_is_unknown_is_refused_with_its_place() -> None:
    with pytest.raises(Invalid, match=r'executors.exec-op: unknown field "hostNetwork"'):
        pipeline(settings={"hostNetwork": True})
    with pytest.raises(Invalid, match=r"exec-op.secretAsVolume\[0\].mountPath: expected text"):
        pipeline(settings={"secretAsVolume": [{"mountPath": 3}]})


# -- places ---------------------------------------------------------------------------------------
def test_labels_select_a_node() -> None:
    assert made({"nodeSelector": {"labels": {"gpu": "yes"}}})["nodeSelector"] == {"gpu": "yes"}
    selector = {"nodeSelector": {"nodeSelectorJson": INPUT}}
    assert made(selector, Around({"given": {"a": "b"}}))["nodeSelector"] == {"a": "b"}


TOLERATION = {"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute"}


@pytest.mark.parametrize(
    ("given", "tolerations"),
    [
        pytest.param(TOLERATION, [TOLERATION], id="one"),
        pytest.param([TOLERATION, {"key": "x"}], [TOLERATION, {"key": "x"}], id="several"),
        pytest.param({}, [], id="empty-struct"),
        pytest.param([], [], id="empty-list"),
        pytest.param(None, [], id="not-given"),
    ],
)
def test_tolerations_come_from_an_input(given: Any, tolerations: list[Any]) -> None:
    spec = made({"tolerations": [{"tolerationJson": INPUT}]}, Around({"given": given}))
    assert spec.get("tolerations", []) == tolerations


def test_tolerations_are_written_out() -> None:
    written = {"tolerations": [{**TOLERATION, "tolerationSeconds": "3600"}, {"key": "k"}]}
    assert made(written)["tolerations"] == [
        {**TOLERATION, "tolerationSeconds": 3600}, {"key": "k"}]  # fmt: skip


def test_affinity_to_nodes_is_required_or_preferred() -> None:
    term = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
    fields = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}
    spec = made({"nodeAffinity": [term, {**fields, "weight": 5}, {}]})
    assert spec["affinity"] == {"nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]},
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 5, "preference": fields}],
    }}  # fmt: skip


def test_affinity_to_nodes_comes_from_an_input() -> None:
    rules = {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]
        }
    }
    spec = made({"nodeAffinity": [{"nodeAffinityJson": INPUT}]}, Around({"given": rules}))
    assert spec["affinity"] == {"nodeAffinity": rules}
    assert "affinity" not in made(
        {"nodeAffinity": [{"nodeAffinityJson": INPUT}]}, Around({"given": {}})
    )


def test_affinity_to_pods_is_not_passed_over() -> None:
    spec = made({"podAffinity": [
        {"matchPodLabels": {"app": "db"}, "topologyKey": "zone"},
        {"matchPodLabels": {"app": "web"}, "topologyKey": "host", "anti": True, "weight": 3},
    ]})  # fmt: skip
    near = {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "zone"}
    far = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "host"}
    assert spec["affinity"] == {
        "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [near]},
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 3, "podAffinityTerm": far}]},
    }  # fmt: skip


# -- the rest -------------------------------------------------------------------------------------
def test_time_policy_and_fields() -> None:
    spec = made({
        "activeDeadlineSeconds": "20",
        "imagePullPolicy": "Never",
        "fieldPathAsEnv": [{"name": "N", "fieldPath": "spec.nodeName"}],
    })  # fmt: skip
    assert spec["activeDeadlineSeconds"] == 20
    assert main(spec)["imagePullPolicy"] == "Never"
    field = {"fieldRef": {"fieldPath": "spec.nodeName"}}
    assert {"name": "N", "valueFrom": field} in main(spec)["env"]


def test_volumes_of_the_pod_itself() -> None:
    spec = made({
        "genericEphemeralVolume": [{
            "volumeName": "cache", "mountPath": "path", "accessModes": ["ReadWriteOnce"],
            "size": "5Gi", "defaultStorageClass": True, "metadata": {"annotations": {"a": "b"}},
        }],
        "emptyDirMounts": [
            {"volumeName": "tmp", "mountPath": "/t", "medium": "Memory", "sizeLimit": "1Gi"}
        ],
        "enabledSharedMemory": {"size": "64Mi"},
    })  # fmt: skip
    ephemeral, empty, shared = own_volumes(spec)
    assert ephemeral["ephemeral"]["volumeClaimTemplate"] == {
        "metadata": {"annotations": {"a": "b"}},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "5Gi"}},
        },
    }
    assert empty == {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}
    assert shared["emptyDir"] == {"medium": "Memory", "sizeLimit": "64Mi"}
    assert [each["mountPath"] for each in main(spec)["volumeMounts"]] == [
        "/kfp-launcher", "/path", "/t", "/dev/shm"]  # fmt: skip


def test_an_ephemeral_volume_may_name_its_class() -> None:
    volume = {"volumeName": "v", "mountPath": "/v", "size": "1Gi", "storageClassName": "fast",
              "accessModes": ["ReadWriteMany"]}  # fmt: skip
    (found,) = own_volumes(made({"genericEphemeralVolume": [volume]}))
    assert found["ephemeral"]["volumeClaimTemplate"]["spec"]["storageClassName"] == "fast"


def test_identity_drops_all_capabilities() -> None:
    context = {"runAsUser": "65534", "runAsGroup": "0", "runAsNonRoot": True}
    assert main(made({"securityContext": context}))["securityContext"] == {
        "runAsUser": 65534,
        "runAsGroup": 0,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "securityContext" not in main(made({}))


def test_the_system_says_more_of_a_pod_than_its_task() -> None:
    own = {"labels": {"mine": "1", "pipeline/runid": "no"}, "annotations": {"note": "x"}}
    about = pod(pipeline(settings={"podMetadata": own}))["metadata"]
    assert about["labels"]["mine"] == "1"
    assert about["labels"]["pipeline/runid"] == "r1"
    assert about["annotations"]["note"] == "x"


# -- init containers ------------------------------------------------------------------------------
def test_init_containers_come_after_the_launcher_in_their_order() -> None:
    spec = made({
        "emptyDirMounts": [{"volumeName": "shared", "mountPath": "/shared"}],
        "initContainers": [
            {"name": "fetch", "image": "busybox", "command": ["sh"], "args": ["-c", "true"],
             "env": [{"name": "A", "value": "b"}],
             "volumeMounts": [{"volumeName": "shared", "mountPath": "/out"}]},
            {"name": "proxy", "image": "proxy", "restartPolicy": "Always",
             "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "1"}}},
        ],
    })  # fmt: skip
    launcher, fetch, proxy = spec["initContainers"]
    assert launcher["name"] == "kfp-launcher"
    assert fetch == {
        "name": "fetch",
        "image": "busybox",
        "command": ["sh"],
        "args": ["-c", "true"],
        "env": [{"name": "A", "value": "b"}],
        "volumeMounts": [{"name": "shared", "mountPath": "/out"}],
    }
    assert proxy["restartPolicy"] == "Always"
    assert proxy["resources"] == {"requests": {"cpu": "100m"}, "limits": {"cpu": "1"}}


def test_an_init_container_sees_a_claim_by_its_name_even_if_that_is_no_volumes() -> None:
    spec = made({
        "pvcMount": [{"constant": "a.b", "mountPath": "/d"}],
        "initContainers": [{"name": "i", "image": "busybox",
                            "volumeMounts": [{"volumeName": "a.b", "mountPath": "/d"}]}],
    })  # fmt: skip
    (volume,) = own_volumes(spec)
    assert spec["initContainers"][1]["volumeMounts"][0]["name"] == volume["name"]


@pytest.mark.parametrize(
    ("container", "message"),
    [
        pytest.param({"image": "i"}, "init container name must not be empty", id="no-name"),
        pytest.param({"name": "i"}, 'init container "i" must specify an image', id="no-image"),
        pytest.param(
            {"name": "kfp-launcher", "image": "i"},
            'init container name "kfp-launcher" conflicts with an existing container',
            id="launchers-name",
        ),
        pytest.param(
            {"name": "main", "image": "i"},
            'init container name "main" conflicts with an existing container',
            id="mains-name",
        ),
        pytest.param(
            {"name": "i", "image": "i", "restartPolicy": "Never"},
            'init container "i" restart policy must be "Always", got "Never"',
            id="restart-policy",
        ),
        pytest.param(
            {"name": "i", "image": "i", "env": [{"value": "x"}]},
            'init container "i" has an environment variable with an empty name',
            id="variable",
        ),
        pytest.param(
            {"name": "i", "image": "i", "volumeMounts": [{"mountPath": "/x"}]},
            'init container "i" has a volume mount with an empty volume name',
            id="volume",
        ),
        pytest.param(
            {"name": "i", "image": "i", "volumeMounts": [{"volumeName": "v", "mountPath": "x"}]},
            'volume mount "v" must use an absolute mount path',
            id="relative",
        ),
        pytest.param(
            {"name": "i", "image": "i", "volumeMounts": [{"volumeName": "v", "mountPath": "/x"}]},
            'mounts "v", which is no volume of the task',
            id="unknown-volume",
        ),
        pytest.param(
            {"name": "i", "image": "i", "resources": {"limits": {"cpu": "much"}}},
            "has an invalid resource limit cpu='much'",
            id="quantity",
        ),
    ],
)
def test_an_init_container_that_cannot_be_says_why(container: dict[str, Any], message: str) -> None:
    with pytest.raises(Unbuildable, match=message):
        made({"initContainers": [container]})


def test_two_init_containers_of_one_name_conflict() -> None:
    one = {"name": "i", "image": "busybox"}
    with pytest.raises(Unbuildable, match="conflicts with an existing container"):
        made({"initContainers": [one, one]})
