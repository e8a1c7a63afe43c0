"""What pods get so that something can be fetched before them and carried away after them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kinds.toy import Toy
from kinds.workflows.makers import call, leaf, node, started, steps, workflow
from sampan.kinds.workflows.pods import wanted

MOUNT = {"name": "v", "mountPath": "/v"}
VOLUME = {"name": "v", "emptyDir": {}}
EMISSARY = ["/var/run/argo/argoexec", "emissary"]


def containers(toy: Toy, section: str = "containers") -> dict[str, Any]:
    (pod,) = toy.pods()
    return {each["name"]: each for each in pod["spec"].get(section) or ()}


def told(container: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each.get("value") for each in container["env"]}


def paths(container: dict[str, Any]) -> dict[str, str]:
    return {each["mountPath"]: each["name"] for each in container.get("volumeMounts") or ()}


def test_nothing_to_carry_is_one_bare_container() -> None:
    toy = started(workflow(leaf("main")))
    assert containers(toy).keys() == {"main"}
    assert containers(toy)["main"]["command"] == ["true"]
    assert not containers(toy, "initContainers")


def test_an_output_parameter_brings_the_executor() -> None:
    outputs = {"parameters": [{"name": "p", "valueFrom": {"path": "/out"}}]}
    toy = started(workflow(leaf("main", outputs=outputs)))
    init, found = containers(toy, "initContainers")["init"], containers(toy)
    assert list(found) == ["wait", "main"]
    assert init["command"][:2] == ["argoexec", "init"]
    assert found["wait"]["command"][:2] == ["argoexec", "wait"]
    assert found["main"]["command"][:2] == EMISSARY
    assert found["main"]["command"][-2:] == ["--", "true"]
    assert all("/var/run/argo" in paths(each) for each in (init, *found.values()))
    template = json.loads(told(init)["ARGO_TEMPLATE"])
    assert (template["outputs"], template["inputs"]) == (outputs, {})
    assert told(found["wait"])["ARGO_NODE_ID"] == "wf"
    assert told(found["main"])["ARGO_INCLUDE_SCRIPT_OUTPUT"] == "false"
    assert told(found["main"])["ARGO_CONTAINER_NAME"] == "main"


@pytest.mark.parametrize(
    ("asking", "captured"),
    [
        pytest.param("{{steps.a.outputs.result}}", True, id="tag"),
        pytest.param("{{=steps['a'].outputs.result}}", True, id="expression"),
        pytest.param("{{steps.b.outputs.result}}", False, id="of-another-step"),
        pytest.param("{{steps.a.id}}", False, id="something-else"),
    ],
)
def test_results_are_captured_when_somebody_asks(asking: str, captured: bool) -> None:
    around = steps([call("a")], [call("b", x=asking)])
    name = wanted.step_name("wf[0].a(1:x)", "wf")
    assert (name in wanted.results(around)) is captured


def test_inputs_are_mounted_where_the_container_wants_them() -> None:
    artifacts = [
        {"name": "own", "path": "/own", "raw": {"data": "x"}},
        {"name": "within", "path": "/v/sub/file", "raw": {"data": "x"}},
        {"name": "absent", "path": "/absent", "optional": True},
    ]
    main = leaf("main", inputs={"artifacts": artifacts}, volumes=[VOLUME])
    main["container"]["volumeMounts"] = [MOUNT]
    toy = started(workflow(main))
    init, found = containers(toy, "initContainers")["init"], containers(toy)
    assert paths(found["main"]) == {
        "/v": "v",
        "/own": "input-artifacts",
        "/var/run/argo": "var-run-argo",
    }
    assert paths(init)["/mainctrfs/v"] == "v"
    assert paths(init)["/argo/inputs/artifacts"] == "input-artifacts"
    assert paths(found["wait"])["/mainctrfs/own"] == "input-artifacts"


def test_sidecars_and_init_containers_may_mirror_the_mounts() -> None:
    others = [
        {"name": "mirror", "image": "busybox", "command": ["true"], "mirrorVolumeMounts": True},
        {"name": "plain", "image": "busybox", "command": ["true"]},
    ]
    first = [{**each, "name": f"{each['name']}-first"} for each in others]
    main = leaf("main", sidecars=others, initContainers=first, volumes=[VOLUME])
    main["container"]["volumeMounts"] = [MOUNT]
    toy = started(workflow(main))
    found, before = containers(toy), containers(toy, "initContainers")
    assert list(found) == ["wait", "main", "mirror", "plain"]
    assert list(before) == ["init", "mirror-first", "plain-first"]
    assert "/v" in paths(found["mirror"])
    assert "/v" in paths(before["mirror-first"])
    assert "/v" not in paths(found["plain"]) | paths(before["plain-first"])
    assert found["plain"]["command"][:2] == EMISSARY
    assert before["plain-first"]["command"] == ["true"]


def test_patches_see_commands_as_they_were_written() -> None:
    own = (
        "containers:\n- name: main\n  command: [patched]\n  env: [{name: A, value: '{{pod.name}}'}]"
    )
    general = '{"tolerations": [{"key": "k", "operator": "Exists"}], "hostNetwork": true}'
    outputs = {"parameters": [{"name": "p", "valueFrom": {"path": "/out"}}]}
    manifest = workflow(leaf("main", outputs=outputs, podSpecPatch=own), podSpecPatch=general)
    toy = started(manifest)
    main = containers(toy)["main"]
    assert main["command"][-1] == "patched"
    assert told(main)["A"] == "wf"
    assert toy.pods()[0]["spec"]["hostNetwork"] is True


def test_a_patch_that_is_none_is_the_node_s_error() -> None:
    toy = started(workflow(leaf("main", podSpecPatch="][")))
    assert toy.pods() == []
    assert node(toy, "wf")["phase"] == "Error"
    assert node(toy, "wf")["message"].startswith("Error applying PodSpecPatch: ")


def test_what_is_too_long_lies_in_a_config_map() -> None:
    long = "x" * 140_000
    main = leaf("main")
    main["container"]["args"] = [long]
    toy = started(workflow(main))
    (config,) = [each for key, each in toy.objects.items() if key.kind == "ConfigMap"]
    assert json.loads(config["data"]["ARGO_CONTAINER_ARGS_FILE"]) == [long]
    assert long in config["data"]["ARGO_TEMPLATE"]
    init = containers(toy, "initContainers")["init"]
    assert told(init)["ARGO_TEMPLATE"] == "offloaded"
    assert "args" not in containers(toy)["main"]
    assert paths(init)["/argo/config"] == paths(containers(toy)["main"])["/argo/config"]


@pytest.mark.parametrize(
    ("general", "own", "kept"),
    [(None, None, False), (True, None, True), (True, False, False), (None, True, True)],
)
def test_who_says_that_logs_are_kept(general: Any, own: Any, kept: bool) -> None:
    fields = {} if own is None else {"archiveLocation": {"archiveLogs": own}}
    spec = {} if general is None else {"archiveLogs": general}
    toy = started(workflow(leaf("main", **fields), **spec))
    assert ("wait" in containers(toy)) is kept
    if kept:
        template = json.loads(told(containers(toy, "initContainers")["init"])["ARGO_TEMPLATE"])
        assert template["archiveLocation"]["s3"]["key"] == "wf/wf"


def test_deadlines_are_numbers_or_their_texts() -> None:
    toy = started(workflow(leaf("main", activeDeadlineSeconds="{{workflow.parameters.d}}"),
                           arguments={"parameters": [{"name": "d", "value": "7"}]}))  # fmt: skip
    assert toy.pods()[0]["spec"]["activeDeadlineSeconds"] == 7
    toy = started(workflow(leaf("main", activeDeadlineSeconds="{{workflow.parameters.d}}"),
                           arguments={"parameters": [{"name": "d", "value": "soon"}]}))  # fmt: skip
    assert node(toy, "wf")["message"] == "activeDeadlineSeconds 'soon' is no number"
