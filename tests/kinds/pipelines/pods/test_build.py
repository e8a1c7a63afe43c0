"""The pod of a task: its program behind the launcher, what it asks for, what is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.pipelines.pods.makers import IMAGE, about, main, own_volumes, pipeline, pod, work
from sampan.kinds.pipelines.pods import build, claims
from sampan.kinds.pipelines.pods.about import Unbuildable
from sampan.kube import launcher, meta, names, podspec

OUTPUTS = {"outputDefinitions": {
    "parameters": {"n": {"parameterType": "NUMBER_INTEGER"}, "old": {"type": "DOUBLE"}},
    "artifacts": {"model": {"artifactType": {"schemaTitle": "system.Model"}},
                  "all": {"artifactType": {"schemaTitle": "system.Dataset"},
                          "isArtifactList": True}},
}}  # fmt: skip
PARAMETERS = {"inputDefinitions": {"parameters": {"x": {"parameterType": "STRING"}}}}


def test_a_small_pod() -> None:
    found = pod(pipeline())
    assert meta.is_controlled_by(found, about().run)
    assert found["metadata"]["labels"] == {
        "pipeline/runid": "r1",
        "pipelines.kubeflow.org/run": "my-run",
        "pipelines.kubeflow.org/v2_component": "true",
    }
    assert found["metadata"]["annotations"][names.ANNOTATION_TASK_PATH] == "op"
    assert main(found["spec"]) == {
        "name": "main",
        "image": "python:3.11",
        "command": ["/kfp-launcher/launch", "--", "echo"],
        "env": [
            {"name": "KFP_POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "KFP_POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
        ],
        "volumeMounts": [{"name": "kfp-launcher", "mountPath": "/kfp-launcher"}],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    podspec.fill(found["spec"])
    assert podspec.problems(found["spec"]) == []


def test_the_same_task_makes_the_same_pod() -> None:
    assert pod(pipeline()) == pod(pipeline())


def test_the_launcher_is_told_of_inputs_and_outputs() -> None:
    task = launcher.task_of(pod(pipeline(component={**OUTPUTS, **PARAMETERS}), {"x": "1"}))
    assert task is not None
    assert task.executorInput["inputs"]["parameterValues"] == {"x": "1"}
    assert task.executorInput["outputs"]["parameters"]["n"] == {"outputFile": "/tmp/kfp/outputs/n"}
    types = {name: each.type for name, each in task.outputs.parameters.items()}
    assert types == {"n": "NUMBER_INTEGER", "old": "NUMBER_DOUBLE"}
    kinds = {name: (each.type, each.list) for name, each in task.outputs.artifacts.items()}
    assert kinds == {"model": ("system.Model", False), "all": ("system.Dataset", True)}
    assert not task.publishLogs


@pytest.mark.parametrize(
    ("container", "command", "args"),
    [
        pytest.param(
            {"command": ["echo", "{{$.inputs.parameters['x']}}"]}, ["echo", "1"], None, id="command"
        ),
        pytest.param(
            {"command": ["sh"], "args": ["{{$.inputs.parameters['x']}}"]}, ["sh"], ["1"], id="both"
        ),
        pytest.param({"args": ["echo", "hi"]}, ["echo", "hi"], None, id="args-alone"),
        pytest.param({}, [], None, id="what-the-image-says"),
    ],
)
def test_the_program_is_behind_the_launcher(
    container: dict[str, Any], command: list[str], args: list[str] | None
) -> None:
    read = pipeline({"image": "busybox", **container}, component=PARAMETERS)
    found = main(pod(read, {"x": "1"})["spec"])
    assert launcher.unwrapped(found["command"]) == command
    assert found.get("args") == args


def test_a_variable_may_replace_what_the_system_says() -> None:
    env = [{"name": "KFP_POD_NAME", "value": "mine"}, {"name": "A", "value": "$(KFP_POD_UID)"}]
    found = main(pod(pipeline({**IMAGE, "env": env}))["spec"])["env"]
    assert [each["name"] for each in found] == ["KFP_POD_NAME", "KFP_POD_UID", "A"]
    assert found[0] == env[0]


def test_a_task_with_a_retry_policy_knows_its_attempt() -> None:
    found = main(pod(pipeline(), retried=True, attempt=2)["spec"])
    assert {"name": "KFP_RETRY_INDEX", "value": "2"} in found["env"]


def test_the_runs_service_account_is_the_pods() -> None:
    run = {**about().run, "spec": {"serviceAccount": "robot"}}
    assert pod(pipeline(), run=run)["spec"]["serviceAccountName"] == "robot"
    assert "serviceAccountName" not in pod(pipeline())["spec"]


@pytest.mark.parametrize(
    ("resources", "wanted"),
    [
        pytest.param(
            {"cpuLimit": 1.0, "memoryLimit": 15.0, "cpuRequest": 0.5, "memoryRequest": 0.65},
            {
                "limits": {"cpu": "1", "memory": "15G"},
                "requests": {"cpu": "0.5", "memory": "0.65G"},
            },
            id="numbers-of-old",
        ),
        pytest.param(
            {"resourceCpuLimit": "2", "cpuLimit": 1.0, "resourceMemoryRequest": "1Gi"},
            {"limits": {"cpu": "2"}, "requests": {"memory": "1Gi"}},
            id="texts-win",
        ),
        pytest.param(
            {"resourceCpuLimit": "{{$.inputs.parameters['x']}}"},
            {"limits": {"cpu": "500m"}},
            id="placeholder",
        ),
        pytest.param(
            {"accelerator": {"type": "nvidia.com/gpu", "count": "1"}},
            {"limits": {"nvidia.com/gpu": "1"}},
            id="accelerator-of-old",
        ),
        pytest.param(
            {"accelerator": {"resourceType": "nvidia.com/gpu", "resourceCount": "2"}},
            {"limits": {"nvidia.com/gpu": "2"}},
            id="accelerator",
        ),
        pytest.param({"accelerator": {"resourceType": "nvidia.com/gpu"}}, None, id="no-count"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_what_a_task_asks_of_its_node(
    resources: dict[str, Any], wanted: dict[str, Any] | None
) -> None:
    read = pipeline({**IMAGE, "resources": resources}, component=PARAMETERS)
    assert main(pod(read, {"x": "500m"})["spec"]).get("resources") == wanted


def test_an_amount_that_is_none_fails_the_task() -> None:
    read = pipeline({**IMAGE, "resources": {"resourceCpuLimit": "much"}})
    with pytest.raises(Unbuildable, match="the cpu of the task: 'much' is no quantity"):
        pod(read)


def test_a_model_that_is_an_image_is_refused_by_name() -> None:
    read = pipeline()
    task = work(read, model=({"uri": "oci://registry/model:1", "name": "m"},))
    with pytest.raises(Unbuildable, match=r"'model' is an image \(oci://registry/model:1\)"):
        build.build(about(), task, read.kubernetes_executor(task.component))


def test_inputs_that_are_too_long_fail_the_task() -> None:
    with pytest.raises(Unbuildable, match="at most 200000 are handed over"):
        pod(pipeline(component=PARAMETERS), {"x": "y" * 200_000})


# -- the workspace --------------------------------------------------------------------------------
WORKSPACE = {"workspace": {"size": "1Gi", "kubernetes": {}}}


def test_who_asks_for_the_workspace_sees_it() -> None:
    read = pipeline(component=PARAMETERS, **WORKSPACE)
    spec = pod(read, {"x": "/kfp-workspace/data"})["spec"]
    assert own_volumes(spec) == [
        {"name": "kfp-workspace",
         "persistentVolumeClaim": {"claimName": "my-run-kfp-workspace"}}]  # fmt: skip
    assert main(spec)["volumeMounts"][-1] == {
        "name": "kfp-workspace", "mountPath": "/kfp-workspace"}  # fmt: skip
    assert own_volumes(pod(read, {"x": "/tmp"})["spec"]) == []


def test_a_workspace_that_there_is_not_fails_the_task() -> None:
    with pytest.raises(Unbuildable, match="the pipeline has none"):
        pod(pipeline(component=PARAMETERS), {"x": "/kfp-workspace/data"})


def test_nothing_else_is_mounted_in_the_workspace() -> None:
    settings = {"emptyDirMounts": [{"volumeName": "v", "mountPath": "/kfp-workspace/x"}]}
    read = pipeline(settings=settings, component=PARAMETERS, **WORKSPACE)
    with pytest.raises(Unbuildable, match="conflicts with workspace mount at /kfp-workspace"):
        pod(read, {"x": "/kfp-workspace"})


def test_mounted_claims_are_known_before_the_pod_is() -> None:
    settings = {"pvcMount": [{"constant": "data", "mountPath": "/d"}]}
    read = pipeline(settings=settings, component=PARAMETERS, **WORKSPACE)
    task = work(read, {"x": "/kfp-workspace"})
    found = claims.mounted(about(), task, read.kubernetes_executor(task.component))
    assert list(found) == ["data", "my-run-kfp-workspace"]


# -- settings as a value --------------------------------------------------------------------------
def passing(*fields: str, applied: bool = False) -> dict[str, Any]:
    return {
        "inputDefinitions": {
            "parameters": {"config": {"parameterType": "TASK_CONFIG", "isOptional": True}}
        },
        "taskConfigPassthroughs": [{"field": each, "applyToTask": applied} for each in fields],
    }


SETTINGS = {
    "secretAsVolume": [{"mountPath": "/s", "secretName": "s"}],
    "nodeSelector": {"labels": {"a": "b"}},
    "tolerations": [{"key": "k"}],
    "nodeAffinity": [{"matchExpressions": [{"key": "k", "operator": "Exists"}]}],
}
CONTAINER = {**IMAGE, "env": [{"name": "A", "value": "b"}], "resources": {"resourceCpuLimit": "1"}}
ALL = ("RESOURCES", "ENV", "KUBERNETES_AFFINITY", "KUBERNETES_TOLERATIONS",
       "KUBERNETES_NODE_SELECTOR", "KUBERNETES_VOLUMES")  # fmt: skip


def config_of(found: Any) -> dict[str, Any]:
    task = launcher.task_of(found)
    assert task is not None
    return dict(task.executorInput["inputs"]["parameterValues"]["config"])


def test_a_component_gets_its_settings_as_a_value_instead_of_on_its_pod() -> None:
    found = pod(pipeline(CONTAINER, SETTINGS, passing(*ALL)))
    said = config_of(found)
    assert said["nodeSelector"] == {"a": "b"}
    assert said["tolerations"] == [{"key": "k"}]
    assert said["env"] == [{"name": "A", "value": "b"}]
    assert said["resources"] == {"limits": {"cpu": "1"}}
    assert said["volumes"] == [{"name": "s", "secret": {"secretName": "s"}}]
    assert said["volumeMounts"] == [{"name": "s", "mountPath": "/s"}]
    assert set(said["affinity"]) == {"nodeAffinity"}
    spec = found["spec"]
    assert not {"nodeSelector", "tolerations", "affinity"} & set(spec)
    assert own_volumes(spec) == []
    assert "resources" not in main(spec)
    assert [each["name"] for each in main(spec)["env"]] == ["KFP_POD_NAME", "KFP_POD_UID"]


def test_the_workspace_is_the_first_of_the_volumes_it_gets() -> None:
    component = passing("KUBERNETES_VOLUMES")
    component["inputDefinitions"]["parameters"]["x"] = {"parameterType": "STRING"}
    said = config_of(
        pod(pipeline(CONTAINER, SETTINGS, component, **WORKSPACE), {"x": "/kfp-workspace"})
    )
    assert [each["name"] for each in said["volumes"]] == ["kfp-workspace", "s"]
    assert [each["mountPath"] for each in said["volumeMounts"]] == ["/kfp-workspace", "/s"]


def test_or_both_or_neither() -> None:
    both = pod(pipeline(CONTAINER, SETTINGS, passing("KUBERNETES_NODE_SELECTOR", applied=True)))
    assert config_of(both)["nodeSelector"] == both["spec"]["nodeSelector"] == {"a": "b"}
    assert config_of(both)["tolerations"] is None
    assert both["spec"]["tolerations"] == [{"key": "k"}]


def test_the_program_reads_the_settings_in_its_command() -> None:
    container = {**CONTAINER, "args": ["{{$.inputs.parameters['config']}}"]}
    found = main(pod(pipeline(container, SETTINGS, passing(*ALL)))["spec"])
    assert '"nodeSelector"' in found["args"][0]


@pytest.mark.parametrize(
    ("container", "said"),
    [
        ({"command": ["a\0b"]}, "the command of the task has a null character"),
        ({"command": ["a"], "args": ["\0"]}, "the args of the task has a null character"),
        ({"env": [{"name": "A", "value": "\0"}]}, "env A of the task has a null character"),
    ],
)
def test_what_no_program_can_be_told(container: dict[str, Any], said: str) -> None:
    """The node would try for ever."""
    with pytest.raises(Unbuildable, match=said):
        pod(pipeline({**IMAGE, **container}))
