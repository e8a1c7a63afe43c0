"""The pod of a task, as its node's launcher takes it (`kube.launcher`).

The container of the component becomes `main`, its placeholders filled in, behind the launcher's
program; `settings` adds what kfp-kubernetes says. What the launcher has to know travels as an
annotation. An input of the type TASK_CONFIG gets the pod's own settings as its value, so the
placeholders come last. Upstream: backend/src/v2/driver/container.go, driver.go initPodSpecPatch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.pipelines.ir.kubernetes import ExecutorConfig
from sampan.kinds.pipelines.ir.messages import ArtifactType, Component, Container, OutputParameter
from sampan.kinds.pipelines.ir.placeholders import Placeholders
from sampan.kinds.pipelines.pods import initial, naming, resources, settings, workspace
from sampan.kinds.pipelines.pods.about import About, Unbuildable, Work
from sampan.kinds.pipelines.pods.draft import Draft
from sampan.kube import launcher, meta, names
from sampan.kube.keys import Manifest

_POD_NAME = {"name": "KFP_POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
_POD_UID = {"name": "KFP_POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}
_LAUNCHER_MOUNT = {"name": launcher.VOLUME, "mountPath": launcher.DIRECTORY}
_LAUNCHER = {
    "name": launcher.INIT,
    "image": launcher.LAUNCHER_IMAGE,
    "command": ["launcher-v2", "--copy", launcher.PROGRAM],
    "volumeMounts": [_LAUNCHER_MOUNT],
}
_LAST_WORDS = {"terminationMessagePolicy": "FallbackToLogsOnError"}
"""So that a task which failed can say more than a number."""
_LAUNCHER_VOLUME = {"name": launcher.VOLUME, "emptyDir": {}}
_OLD_TYPES: Mapping[str, launcher.ParameterType] = {
    "INT": "NUMBER_INTEGER",
    "DOUBLE": "NUMBER_DOUBLE",
    "STRING": "STRING",
}


def build(about: About, work: Work, config: ExecutorConfig) -> Manifest:
    """The Pod. `config`: of the component's executor. Unbuildable; ir.faults.Unresolved."""
    container = work.pipeline.container(work.component)
    if container is None:
        raise Unbuildable("the component has no container")
    _refuse_images(work.executor_input)
    draft = Draft(about, work)
    told = Placeholders(work.executor_input, work.inputs, about.facts, about.task)
    _environment(draft, about, told, container)
    demanded = resources.demanded(container.resources, told.text)
    if draft.on_config("RESOURCES"):
        draft.task_config["resources"] = demanded
    workspace.mount(draft)
    settings.apply(draft, config)
    workspace.guard(draft)
    executor_input = _with_task_config(draft)
    if executor_input is not work.executor_input:
        told = Placeholders(executor_input, work.inputs, about.facts, about.task)
    _program(draft, container, told)
    if demanded and draft.on_pod("RESOURCES"):
        draft.main["resources"] = demanded
    inits = [_LAUNCHER, *initial.containers(draft, config.initContainers)]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(about, work.component, config, executor_input, demanded),
        "spec": {
            "restartPolicy": "Never",
            **draft.spec,
            **_account(about),
            "initContainers": inits,
            "containers": [{"name": launcher.MAIN, **draft.main, **_LAST_WORDS}],
            "volumes": [_LAUNCHER_VOLUME, *draft.volumes()],
        },
    }


def _refuse_images(executor_input: Mapping[str, Any]) -> None:
    """Upstream shows models that are images through processes that share their files."""
    for name, listed in (executor_input["inputs"].get("artifacts") or {}).items():
        for artifact in listed.get("artifacts") or ():
            if str(artifact.get("uri") or "").startswith("oci://"):
                raise Unbuildable(
                    f"input artifact {name!r} is an image ({artifact['uri']}): modelcars are not "
                    "supported"
                )


def _environment(draft: Draft, about: About, told: Placeholders, container: Container) -> None:
    draft.main["volumeMounts"] = [_LAUNCHER_MOUNT]
    draft.main["env"] = [_POD_NAME, _POD_UID]
    if about.retried:
        draft.main["env"].append({"name": "KFP_RETRY_INDEX", "value": str(about.attempt)})
    for variable in container.env:
        value = told.text(variable.value)
        if "\0" in value:
            raise Unbuildable(f"env {variable.name} of the task has a null character in it")
        draft.env({"name": variable.name, "value": value})


def _with_task_config(draft: Draft) -> Mapping[str, Any]:
    """The ExecutorInput, with the settings as the value of the inputs that ask for them."""
    given = draft.work.executor_input
    asked = [
        name
        for name, parameter in draft.work.component.inputDefinitions.parameters.items()
        if parameter.parameterType == "TASK_CONFIG"
    ]
    if not asked:
        return given
    values = {**(given["inputs"].get("parameterValues") or {})}
    values |= dict.fromkeys(asked, draft.task_config)
    return {**given, "inputs": {**given["inputs"], "parameterValues": values}}


def _program(draft: Draft, container: Container, told: Placeholders) -> None:
    """Upstream never runs what the image says, unless there is nothing else to run: the first of
    `args` is the program where there is no command."""
    draft.main["image"] = told.text(container.image)
    words = told.words(container.command)
    arguments = told.words(container.args)
    for field, texts in (("command", words), ("args", arguments)):
        if any("\0" in text for text in texts):
            raise Unbuildable(f"the {field} of the task has a null character in it")
    if not words:
        words, arguments = arguments, []
    draft.main["command"] = [*launcher.PREFIX, *words]
    if arguments:
        draft.main["args"] = arguments


def _metadata(
    about: About,
    component: Component,
    config: ExecutorConfig,
    executor_input: Mapping[str, Any],
    demanded: Mapping[str, Any],
) -> dict[str, Any]:
    """What the system says counts more than what the task does. A laptop is to run what is written
    for machines with more memory and accelerators."""
    own = config.podMetadata
    content = {names.ANNOTATION_RESOURCES: names.AS_AVAILABLE} if demanded else {}
    return {
        "name": naming.pod(about.name, about.path, about.attempt),
        "namespace": about.namespace,
        "labels": {
            **(own.labels if own else {}),
            names.LABEL_RUN_ID: about.facts.id,
            names.LABEL_RUN: naming.label(about.name),
            names.LABEL_V2_COMPONENT: "true",
        },
        "annotations": {
            **content,
            **(own.annotations if own else {}),
            names.ANNOTATION_TASK_PATH: about.path,
            names.ANNOTATION_TASK: _asked(about, component, executor_input),
        },
        "ownerReferences": [meta.controlled_by(about.run)],
    }


def _asked(about: About, component: Component, executor_input: Mapping[str, Any]) -> str:
    declared = component.outputDefinitions
    provisioned = (executor_input.get("outputs") or {}).get("artifacts") or {}
    task = launcher.Task(
        executorInput=executor_input,
        outputs=launcher.Outputs(
            parameters={
                name: launcher.OutputParameter(type=_type(each))
                for name, each in declared.parameters.items()
            },
            artifacts={
                name: launcher.OutputArtifact(
                    type=_title(each.artifactType), list=each.isArtifactList
                )
                for name, each in declared.artifacts.items()
            },
        ),
        publishLogs=launcher.LOGS in provisioned and launcher.LOGS not in declared.artifacts,
        retryIndex=about.attempt,
    )
    try:
        return launcher.encode_task(task)
    except launcher.TooLong as error:
        raise Unbuildable(str(error)) from None


def _type(parameter: OutputParameter) -> launcher.ParameterType:
    if parameter.parameterType == "PARAMETER_TYPE_ENUM_UNSPECIFIED":
        return _OLD_TYPES.get(parameter.type, "STRING")
    return parameter.parameterType


def _title(artifact_type: ArtifactType | None) -> str:
    return (artifact_type and artifact_type.schemaTitle) or launcher.ARTIFACT


def _account(about: About) -> dict[str, str]:
    account = about.run["spec"].get("serviceAccount")
    return {"serviceAccountName": account} if account else {}
