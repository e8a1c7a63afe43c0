"""What a user of hera does, with hera as it is: python hera_tour.py HOST TOKEN NAMESPACE"""

import json
import sys

from hera.exceptions import BadRequest, NotFound
from hera.shared import global_config
from hera.workflows import (
    DAG,
    Artifact,
    ClusterWorkflowTemplate,
    Container,
    CronWorkflow,
    NoneArchiveStrategy,
    Parameter,
    Steps,
    Workflow,
    WorkflowsService,
    WorkflowTemplate,
    models,
    script,
)
from hera.workflows.models import (
    CreateSyncLimitRequest,
    SubmitOpts,
    UpdateSyncLimitRequest,
    WorkflowResubmitRequest,
    WorkflowResumeRequest,
    WorkflowStopRequest,
    WorkflowSubmitRequest,
    WorkflowSuspendRequest,
    WorkflowTemplateRef,
)

global_config.host, global_config.token, NAMESPACE = sys.argv[1:4]
global_config.namespace = NAMESPACE
service = WorkflowsService()


@script()
def add(a: int, b: int):
    print(a + b)


@script(outputs=Artifact(name="book", path="/tmp/book", archive=NoneArchiveStrategy()))
def write(text: str):
    with open("/tmp/book", "w") as file:
        file.write(text)
    print("written")


@script(inputs=Artifact(name="book", path="/tmp/book"))
def read():
    with open("/tmp/book") as file:
        print(file.read())


def node(workflow, name):
    return next(each for each in workflow.status.nodes.values() if each.display_name == name)


def lines(name, **query):
    """hera's own workflow_logs reads one line only."""
    url = f"{service.host}api/v1/workflows/{NAMESPACE}/{name}/log"
    answer = service.session.get(url, headers={"Authorization": service.token}, params=query)
    return [json.loads(each)["result"] for each in answer.text.splitlines()]


def a_dag_with_parameters_and_artifacts():
    with (
        Workflow(
            generate_name="dag-", entrypoint="d", arguments=[Parameter(name="n", value=4)]
        ) as workflow,
        DAG(name="d"),
    ):
        one = add(name="one", arguments={"a": "{{workflow.parameters.n}}", "b": 2})
        two = add(name="two", arguments={"a": one.result, "b": 10})
        book = write(name="book", arguments={"text": "sum {{tasks.two.outputs.result}}"})
        told = read(name="told", arguments=[book.get_artifact("book").with_name("book")])
        one >> two >> book >> told
    workflow.lint()
    workflow.create()
    done = workflow.wait(poll_interval=1)
    assert done.status.phase == "Succeeded", done.status
    assert node(done, "two").inputs.parameters[0].value == "6"
    said = lines(workflow.name)
    assert {"sum 16", "written"} <= {each["content"] for each in said}, said
    assert [each["content"] for each in lines(workflow.name, grep="^sum")] == ["sum 16"]
    found = service.get_output_artifact(workflow.name, node(done, "book").id, "book")
    assert found == str(b"sum 16"), found
    return workflow.name


def create_and_wait():
    """As in hera's own examples, with its own pause between two looks."""
    with Workflow(generate_name="wait-", entrypoint="c") as workflow:
        Container(name="c", image="alpine", command=["true"])
    assert workflow.create(wait=True).status.phase == "Succeeded"


def refused(kind, call):
    """What it says when it is refused in this way."""
    try:
        call()
    except kind as error:
        return str(error)
    raise AssertionError("it was accepted")


def a_mistake_is_told():
    with Workflow(generate_name="bad-", entrypoint="d") as workflow, DAG(name="d"):
        add(name="one", arguments={"a": "{{tasks.none.outputs.result}}", "b": 2})
    for call in (workflow.lint, workflow.create):
        assert "none" in refused(BadRequest, call)
    said = refused(NotFound, lambda: service.get_workflow("none"))
    assert 'workflows.argoproj.io "none" not found' in said


def templates():
    for kind in (WorkflowTemplate, ClusterWorkflowTemplate):
        clusterwide = kind is ClusterWorkflowTemplate
        global_config.namespace = None if clusterwide else NAMESPACE  # hera wants it like that
        template = kind(name=f"tmpl-{NAMESPACE}", entrypoint="s")
        with template, Steps(name="s", inputs=[Parameter(name="p", value="1")]):
            add(name="a", arguments={"a": "{{inputs.parameters.p}}", "b": 1})
        template.lint()
        template.create()
        template.update()
        global_config.namespace, name = NAMESPACE, template.name
        request = WorkflowSubmitRequest(
            resource_kind=kind.__name__, resource_name=name, submit_options=SubmitOpts(labels="x=y")
        )
        made = service.submit_workflow(request)
        assert made.metadata.labels["x"] == "y"
        reference = WorkflowTemplateRef(name=name, cluster_scope=clusterwide)
        workflow = Workflow(generate_name="from-", workflow_template_ref=reference)
        workflow.create()
        assert workflow.wait(poll_interval=1).status.phase == "Succeeded"
    listed = service.list_workflow_templates().items
    assert [each.metadata.name for each in listed] == [name]
    service.delete_workflow_template(name)
    service.delete_cluster_workflow_template(name)


def a_cron_workflow():
    with CronWorkflow(name="nightly", entrypoint="c", schedules=["0 3 * * *"]) as cron:
        Container(name="c", image="alpine", command=["true"])
    cron.lint()
    cron.create()
    assert service.suspend_cron_workflow("nightly", _cron("Suspend")).spec.suspend is True
    assert not service.resume_cron_workflow("nightly", _cron("Resume")).spec.suspend
    made = service.submit_workflow(
        WorkflowSubmitRequest(resource_kind="CronWorkflow", resource_name="nightly")
    )
    assert made.metadata.name.startswith("nightly-")
    assert [each.metadata.name for each in service.list_cron_workflows().items] == ["nightly"]
    service.delete_cron_workflow("nightly")


def _cron(verb):
    request = getattr(models, f"CronWorkflow{verb}Request")
    return request(name="nightly", namespace=NAMESPACE)


def a_workflow_that_is_there(name):
    again = service.resubmit_workflow(name, WorkflowResubmitRequest(name=name))
    assert again.metadata.name != name
    with Workflow(generate_name="long-", entrypoint="c") as workflow:
        Container(name="c", image="alpine", command=["sleep", "60"])
    made = workflow.create()
    long = made.metadata.name
    assert service.suspend_workflow(long, WorkflowSuspendRequest(name=long)).spec.suspend
    assert not service.resume_workflow(long, WorkflowResumeRequest(name=long)).spec.suspend
    service.stop_workflow(long, WorkflowStopRequest(name=long))
    assert workflow.wait(poll_interval=1).status.phase == "Failed"
    service.delete_workflow(long)
    names = {each.metadata.name for each in service.list_workflows().items}
    assert name in names
    assert long not in names


def the_rest():
    assert service.get_version().version.startswith("v4.")
    assert service.get_user_info().subject
    assert service.get_info().modals
    service.list_archived_workflows(namespace=NAMESPACE)
    service.list_archived_workflow_label_keys(namespace=NAMESPACE)
    limit = CreateSyncLimitRequest(cm_name="limits", key="k", limit=1, type="CONFIGMAP")
    service.create_sync_limit(limit)
    service.update_sync_limit("k", UpdateSyncLimitRequest(cm_name="limits", limit=2))
    service.delete_sync_limit("k", cm_name="limits")


name = a_dag_with_parameters_and_artifacts()
create_and_wait()
a_mistake_is_told()
templates()
a_cron_workflow()
a_workflow_that_is_there(name)
the_rest()
print("ok all")
