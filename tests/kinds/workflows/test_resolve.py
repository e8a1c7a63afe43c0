"""References: templates from elsewhere, whole specs from elsewhere, and what is stored of them."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.toy import Toy
from kinds.workflows.makers import (
    WORKFLOW,
    call,
    dag,
    finish,
    leaf,
    node,
    phases,
    status,
    steps,
    workflow,
)
from sampan.kinds.workflows import COMPONENT
from sampan.kube.keys import Key, Manifest

TEMPLATE = Key("WorkflowTemplate.argoproj.io", "u", "lib")


def library(*templates: Any, kind: str = "WorkflowTemplate", **spec: Any) -> Manifest:
    place = {} if kind.startswith("Cluster") else {"namespace": "u"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": "lib", **place},
        "spec": {"templates": list(templates), **spec},
    }


def reference(step: str, template: str, **more: Any) -> dict[str, Any]:
    return {"name": step, "templateRef": {"name": "lib", "template": template, **more}}


def started(*objects: Manifest) -> Toy:
    toy = Toy(COMPONENT)
    for each in objects:
        toy.create(each)
    toy.settle()
    return toy


def config(text: str, key: str = "workflowDefaults") -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "workflow-controller-configmap", "namespace": "argo"},
        "data": {key: text},
    }


def test_a_step_runs_a_template_of_a_workflow_template() -> None:
    toy = started(library(leaf("work")), workflow(steps([reference("a", "work")])))
    found = node(toy, "a")
    assert found["templateRef"] == {"name": "lib", "template": "work"}
    assert "templateName" not in found
    assert found["templateScope"] == "local/wf"
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"


def test_a_template_from_elsewhere_calls_its_own_neighbours() -> None:
    inner = steps([call("inner", "leaf")], name="outer")
    toy = started(
        library(inner, leaf("leaf")), workflow(dag(reference("a", "outer")), leaf("leaf"))
    )
    assert node(toy, "inner")["templateScope"] == "namespaced/lib"
    assert set(status(toy)["storedTemplates"]) == {"namespaced/lib/outer", "namespaced/lib/leaf"}


def test_a_cluster_workflow_template_is_asked_for_by_its_scope() -> None:
    cluster = library(leaf("work"), kind="ClusterWorkflowTemplate")
    toy = Toy(COMPONENT)
    toy.objects[Key("ClusterWorkflowTemplate.argoproj.io", "", "lib")] = cluster
    toy.create(workflow(steps([reference("a", "work", clusterScope=True)])))
    toy.settle()
    assert set(status(toy)["storedTemplates"]) == {"cluster/lib/work"}
    assert phases(toy)["a"] == "Pending"


def test_an_edited_template_does_not_change_what_runs() -> None:
    late = steps([call("first")], [reference("later", "work")])
    toy = started(library(leaf("work")), workflow(leaf(), late))
    changed = leaf("work")
    changed["container"]["image"] = "other"
    toy.objects[TEMPLATE] = library(changed)
    finish(toy)
    images = {pod["spec"]["containers"][0]["image"] for pod in toy.pods()}
    assert images == {"busybox"}


def test_a_template_that_is_gone_is_not_missed() -> None:
    late = steps([call("first")], [reference("later", "work")])
    toy = started(library(leaf("work")), workflow(leaf(), late))
    del toy.objects[TEMPLATE]
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"


def test_an_inline_template_needs_no_name() -> None:
    inline = {"container": {"image": "busybox"}}
    toy = started(workflow(steps([{"name": "a", "inline": inline}])))
    assert node(toy, "a")["type"] == "Pod"
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"


def test_inline_templates_from_elsewhere_are_stored_by_the_step() -> None:
    outer = steps([{"name": "x", "inline": leaf("")}], name="outer")
    toy = started(library(outer), workflow(dag(reference("a", "outer"))))
    assert "namespaced/lib/inline/x" in status(toy)["storedTemplates"]


def test_a_workflow_takes_its_spec_from_a_template() -> None:
    manifest = workflow()
    manifest["spec"] = {"workflowTemplateRef": {"name": "lib"}}
    toy = started(library(leaf("main"), entrypoint="main", parallelism=3), manifest)
    stored = status(toy)["storedWorkflowTemplateSpec"]
    assert (stored["entrypoint"], stored["parallelism"]) == ("main", 3)
    labels = toy.objects[WORKFLOW]["metadata"]["labels"]
    assert labels["workflows.argoproj.io/workflow-template"] == "lib"
    assert set(status(toy)["storedTemplates"]) == {"namespaced/lib/main"}
    assert node(toy, "wf")["templateScope"] == "local/"
    del toy.objects[TEMPLATE]
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"


def test_a_workflow_goes_before_its_template_and_that_before_the_defaults() -> None:
    manifest = workflow()
    manifest["spec"] = {"workflowTemplateRef": {"name": "lib"}, "serviceAccountName": "own"}
    defaults = "spec: {serviceAccountName: default, parallelism: 1, activeDeadlineSeconds: 5}"
    template = library(leaf("main"), entrypoint="main", serviceAccountName="its", parallelism=2)
    stored = status(started(config(defaults), template, manifest))["storedWorkflowTemplateSpec"]
    assert stored["serviceAccountName"] == "own"
    assert (stored["parallelism"], stored["activeDeadlineSeconds"]) == (2, 5)


def test_defaults_are_written_into_a_workflow_without_a_template() -> None:
    defaults = "{metadata: {labels: {team: a}}, spec: {serviceAccountName: robot}}"
    toy = started(config(defaults), workflow(leaf("main")))
    manifest = toy.objects[WORKFLOW]
    assert manifest["spec"]["serviceAccountName"] == "robot"
    assert manifest["metadata"]["labels"]["team"] == "a"
    assert toy.pods()[0]["spec"]["serviceAccountName"] == "robot"


def test_the_settings_may_stand_in_one_text() -> None:
    text = "workflowDefaults: {spec: {serviceAccountName: robot}}"
    toy = started(config(text, "config"), workflow(leaf("main")))
    assert toy.objects[WORKFLOW]["spec"]["serviceAccountName"] == "robot"


def test_a_missing_template_of_a_workflow_is_an_error() -> None:
    manifest = workflow()
    manifest["spec"] = {"workflowTemplateRef": {"name": "nowhere", "clusterScope": True}}
    said = status(started(manifest))
    assert (said["phase"], said["message"]) == (
        "Error",
        'clusterworkflowtemplates.argoproj.io "nowhere" not found',
    )


def test_specs_that_cannot_be_joined_are_an_error() -> None:
    manifest = workflow()
    manifest["spec"] = {"workflowTemplateRef": {"name": "lib"}}
    said = status(started(library({"container": {"image": "busybox"}}), manifest))
    assert said["phase"] == "Error"
    assert "does not contain declared merge key: name" in said["message"]


def test_a_template_that_cannot_be_joined_with_its_defaults_is_an_error() -> None:
    anywhere = {"tolerations": [{"operator": "Exists"}]}
    said = status(started(workflow(leaf("main", **anywhere), templateDefaults=anywhere)))
    assert said["phase"] == "Error"
    assert "does not contain declared merge key: key" in said["message"]


def test_settings_that_cannot_be_read_are_an_error() -> None:
    said = status(started(config("{"), workflow(leaf("main"))))
    assert said["phase"] == "Error"
    assert said["message"].startswith("workflow-controller-configmap: workflowDefaults: ")


def test_a_shutdown_reaches_a_workflow_with_a_stored_spec() -> None:
    manifest = workflow()
    manifest["spec"] = {"workflowTemplateRef": {"name": "lib"}}
    toy = started(library(leaf("main"), entrypoint="main"), manifest)
    toy.objects[WORKFLOW]["spec"]["shutdown"] = "Terminate"
    toy.settle()
    assert status(toy)["phase"] == "Failed"
    assert status(toy)["storedWorkflowTemplateSpec"]["shutdown"] == "Terminate"


@pytest.mark.parametrize("mode", ["Strict", "Secure"])
def test_a_cluster_may_insist_on_templates(mode: str) -> None:
    strict = config(f"templateReferencing: {mode}", "workflowRestrictions")
    said = status(started(strict, workflow(leaf("main"))))
    assert (said["phase"], said["message"]) == (
        "Error",
        "workflows must use workflowTemplateRef to be executed when the controller is in reference"
        " mode",
    )
    manifest = workflow()
    manifest["spec"] = {"workflowTemplateRef": {"name": "lib"}, "hostNetwork": True}
    said = status(started(strict, library(leaf("main"), entrypoint="main"), manifest))
    assert said["message"] == (
        "fields [HostNetwork] are not permitted when using workflowTemplateRef with"
        " templateReferencing restriction"
    )


def test_a_secure_template_may_not_change_while_it_runs() -> None:
    secure = config("templateReferencing: Secure", "workflowRestrictions")
    manifest = workflow()
    manifest["spec"] = {"workflowTemplateRef": {"name": "lib"}}
    toy = started(secure, library(leaf("main"), entrypoint="main"), manifest)
    assert status(toy)["phase"] == "Running"
    toy.objects[TEMPLATE] = library(leaf("main"), leaf("more"), entrypoint="main")
    toy.settle()
    assert status(toy)["phase"] == "Error"
    assert "may not change during execution" in status(toy)["message"]


def test_template_defaults_reach_every_template_and_only_its_own_type() -> None:
    defaults = {
        "container": {"imagePullPolicy": "Never", "env": [{"name": "A", "value": "1"}]},
        "script": {"image": "other", "source": ""},
        "nodeSelector": {"kubernetes.io/os": "linux"},
    }
    toy = started(workflow(leaf("main"), templateDefaults=defaults))
    (pod,) = toy.pods()
    (main,) = pod["spec"]["containers"]
    assert (main["imagePullPolicy"], main["image"]) == ("Never", "busybox")
    assert {"name": "A", "value": "1"} in main["env"]
    assert pod["spec"]["nodeSelector"] == {"kubernetes.io/os": "linux"}


def test_a_name_with_tags_is_looked_up_while_the_workflow_runs() -> None:
    chosen = {"name": "a", "templateRef": {"name": "lib", "template": "{{item}}"}}
    chosen["withItems"] = ["one", "two"]
    toy = started(library(leaf("one"), leaf("two")), workflow(steps([chosen])))
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"
    assert set(status(toy)["storedTemplates"]) == {"namespaced/lib/one", "namespaced/lib/two"}


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (reference("a", "none"), "template none not found in workflow template lib"),
        ({"name": "a", "templateRef": {"name": "no", "template": "x"}}, "workflow template no"),
    ],
)
def test_a_reference_that_leads_nowhere_is_an_error(step: dict[str, Any], message: str) -> None:
    step["templateRef"]["template"] += "{{=''}}"  # or else the validator would find it
    toy = started(library(leaf("work")), workflow(dag(step)))
    assert status(toy)["phase"] in ("Error", "Failed")
    assert message in node(toy, "a")["message"]


def test_a_workflow_gives_itself_labels() -> None:
    about = {
        "labels": {"fixed": "1"},
        "annotations": {"note": "x"},
        "labelsFrom": {"made": {"expression": "workflow.parameters.word + '-' + workflow.name"}},
    }
    given = {"parameters": [{"name": "word", "value": "hi"}]}
    main = leaf("main")
    main["container"]["args"] = ["{{workflow.labels.made}} {{workflow.labels.fixed}}"]
    toy = started(workflow(main, workflowMetadata=about, arguments=given))
    found = toy.objects[WORKFLOW]["metadata"]
    assert (found["labels"]["fixed"], found["labels"]["made"]) == ("1", "hi-wf")
    assert found["annotations"]["note"] == "x"
    assert toy.pods()[0]["spec"]["containers"][0]["args"] == ["hi-wf 1"]


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"labels": {"a": "b c"}}, 'invalid label value "b c" for label "a": '),
        ({"labelsFrom": {"a": {"expression": "1"}}}, 'failed to evaluate label "a" expression "1"'),
        ({"labelsFrom": {"a": {"expression": "("}}}, 'failed to evaluate label "a" expression "("'),
        ({"labelsFrom": {"a": {"expression": "'b c'"}}}, 'invalid label value "b c" for label'),
    ],
)
def test_a_label_that_cannot_be_given_is_an_error(about: dict[str, Any], message: str) -> None:
    said = status(started(workflow(leaf("main"), workflowMetadata=about)))
    assert said["phase"] == "Error"
    assert said["message"].startswith(message)


def test_tags_of_the_workflow_are_filled_in_its_spec() -> None:
    given = {"parameters": [{"name": "who", "value": "robot"}]}
    toy = started(
        workflow(
            leaf("main"),
            arguments=given,
            serviceAccountName="{{workflow.parameters.who}}",
            nodeSelector={"kubernetes.io/hostname": "{{workflow.name}}-{{= 'x' }}"},
        )
    )
    spec = toy.pods()[0]["spec"]
    assert spec["serviceAccountName"] == "robot"
    assert spec["nodeSelector"] == {"kubernetes.io/hostname": "wf-x"}
    assert toy.objects[WORKFLOW]["spec"]["serviceAccountName"] == "{{workflow.parameters.who}}"


def test_each_node_says_where_its_template_was_looked_up() -> None:
    def other(name: str, *steps_of: list[Any]) -> Manifest:
        manifest = library(steps(*steps_of, name="steps"), leaf("hello"))
        return {**manifest, "metadata": {"name": name, "namespace": "u"}}

    further = {"name": "further", "templateRef": {"name": "two", "template": "steps"}}
    toy = started(
        other("one", [call("hello", "hello"), {**further}]),
        other("two", [{**call("hello", "hello"), "name": "end", "withItems": ["x"]}]),
        workflow(steps([{"name": "step", "templateRef": {"name": "one", "template": "steps"}}])),
    )
    found = {each["name"]: each["templateScope"] for each in status(toy)["nodes"].values()}
    assert found == {
        "wf": "local/wf",
        "wf[0]": "local/wf",
        "wf[0].step": "local/wf",
        "wf[0].step[0]": "namespaced/one",
        "wf[0].step[0].hello": "namespaced/one",
        "wf[0].step[0].further": "namespaced/one",
        "wf[0].step[0].further[0]": "namespaced/two",
        "wf[0].step[0].further[0].end(0:x)": "namespaced/two",
    }


@pytest.mark.parametrize(
    "main",
    [
        {"name": "main", "container": {"image": "busybox", "args": ["{{= }}"]}},
        dag(call("b", "w"), {**call("a", "w"), "depends": "{{b}}"}),
    ],
)
def test_a_text_that_cannot_be_read_is_an_error_of_its_node(main: dict[str, Any]) -> None:
    toy = started(workflow(leaf("w"), main))
    assert status(toy)["phase"] == "Error"
    assert node(toy, "wf")["phase"] == "Error"
    assert node(toy, "wf")["message"]
