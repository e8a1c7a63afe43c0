"""The messages of Pipeline IR as frozen structs; fields have the names that JSON has.

Declared once: `decoding` reads them from JSON by these declarations. A field that is typed Any is a
google.protobuf.Value and keeps a null (ABSENT: not there at all); a field that is typed
`dict[str, Any]` is a Struct or a map of values. Of a class's ONE_OF groups at most one field is
given. Fields that no engine makes use of are declared too: `validation` refuses those without which
a pipeline means something else, runs say of the others that they have no effect (`unheeded`).
Upstream: api/v2alpha1/pipeline_spec.proto.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from msgspec import UNSET, Struct, UnsetType

from sampan.kube import launcher

ABSENT = UNSET
Groups = tuple[tuple[str, ...], ...]
ParameterType = Literal["PARAMETER_TYPE_ENUM_UNSPECIFIED", launcher.ParameterType]
Strategy = Literal[
    "TRIGGER_STRATEGY_UNSPECIFIED", "ALL_UPSTREAM_TASKS_SUCCEEDED", "ALL_UPSTREAM_TASKS_COMPLETED"
]
Passthrough = Literal[
    "NONE",
    "RESOURCES",
    "ENV",
    "KUBERNETES_AFFINITY",
    "KUBERNETES_TOLERATIONS",
    "KUBERNETES_NODE_SELECTOR",
    "KUBERNETES_VOLUMES",
]
OldType = Literal["PRIMITIVE_TYPE_UNSPECIFIED", "INT", "DOUBLE", "STRING"]


class Duration(float):
    """Seconds; in JSON text such as `1.5s`."""


class Message(Struct, frozen=True, kw_only=True):
    """LENIENT: unknown fields are passed over, as upstream does in what executors say. UNHEEDED:
    fields that have no effect, here as upstream."""

    ONE_OF: ClassVar[Groups] = ()
    LENIENT: ClassVar[bool] = False
    UNHEEDED: ClassVar[tuple[str, ...]] = ()


class Deployed(Message, frozen=True, kw_only=True):
    LENIENT: ClassVar[bool] = True


class OldValue(Message, frozen=True, kw_only=True):
    """A value as IR of before 2.0 wrote it."""

    ONE_OF: ClassVar[Groups] = (("intValue", "doubleValue", "stringValue"),)
    intValue: int | None = None
    doubleValue: float | None = None
    stringValue: str | None = None


class RuntimeValue(Message, frozen=True, kw_only=True):
    ONE_OF: ClassVar[Groups] = (("constantValue", "runtimeParameter", "constant"),)
    constantValue: OldValue | None = None
    runtimeParameter: str | None = None
    constant: Any | UnsetType = UNSET


class ArtifactType(Message, frozen=True, kw_only=True):
    ONE_OF: ClassVar[Groups] = (("schemaTitle", "schemaUri", "instanceSchema"),)
    schemaTitle: str | None = None
    schemaUri: str | None = None
    instanceSchema: str | None = None
    schemaVersion: str = ""


class InputArtifact(Message, frozen=True, kw_only=True):
    artifactType: ArtifactType | None = None
    isArtifactList: bool = False
    isOptional: bool = False
    description: str = ""


class InputParameter(Message, frozen=True, kw_only=True):
    type: OldType = "PRIMITIVE_TYPE_UNSPECIFIED"
    parameterType: ParameterType = "PARAMETER_TYPE_ENUM_UNSPECIFIED"
    defaultValue: Any | UnsetType = UNSET
    isOptional: bool = False
    description: str = ""
    literals: list[Any] = []


class InputDefinitions(Message, frozen=True, kw_only=True):
    artifacts: dict[str, InputArtifact] = {}
    parameters: dict[str, InputParameter] = {}


class OutputArtifact(Message, frozen=True, kw_only=True):
    UNHEEDED: ClassVar[tuple[str, ...]] = ("properties", "customProperties")
    artifactType: ArtifactType | None = None
    properties: dict[str, RuntimeValue] = {}
    customProperties: dict[str, RuntimeValue] = {}
    metadata: dict[str, Any] = {}
    isArtifactList: bool = False
    description: str = ""


class OutputParameter(Message, frozen=True, kw_only=True):
    type: OldType = "PRIMITIVE_TYPE_UNSPECIFIED"
    parameterType: ParameterType = "PARAMETER_TYPE_ENUM_UNSPECIFIED"
    description: str = ""


class OutputDefinitions(Message, frozen=True, kw_only=True):
    artifacts: dict[str, OutputArtifact] = {}
    parameters: dict[str, OutputParameter] = {}


class TaskOutputArtifact(Message, frozen=True, kw_only=True):
    producerTask: str = ""
    outputArtifactKey: str = ""


class ArtifactSource(Message, frozen=True, kw_only=True):
    ONE_OF: ClassVar[Groups] = (("taskOutputArtifact", "componentInputArtifact"),)
    taskOutputArtifact: TaskOutputArtifact | None = None
    componentInputArtifact: str | None = None


class TaskOutputParameter(Message, frozen=True, kw_only=True):
    producerTask: str = ""
    outputParameterKey: str = ""


class TaskFinalStatus(Message, frozen=True, kw_only=True):
    producerTask: str = ""


class ParameterSource(Message, frozen=True, kw_only=True):
    ONE_OF: ClassVar[Groups] = (
        ("taskOutputParameter", "runtimeValue", "componentInputParameter", "taskFinalStatus"),
    )
    taskOutputParameter: TaskOutputParameter | None = None
    runtimeValue: RuntimeValue | None = None
    componentInputParameter: str | None = None
    taskFinalStatus: TaskFinalStatus | None = None
    parameterExpressionSelector: str = ""


class TaskInputs(Message, frozen=True, kw_only=True):
    parameters: dict[str, ParameterSource] = {}
    artifacts: dict[str, ArtifactSource] = {}


class TaskInfo(Message, frozen=True, kw_only=True):
    name: str = ""


class CachingOptions(Message, frozen=True, kw_only=True):
    enableCache: bool = False
    cacheKey: str = ""


class ComponentRef(Message, frozen=True, kw_only=True):
    name: str = ""


class TriggerPolicy(Message, frozen=True, kw_only=True):
    condition: str = ""
    strategy: Strategy = "TRIGGER_STRATEGY_UNSPECIFIED"


class ArtifactItems(Message, frozen=True, kw_only=True):
    inputArtifact: str = ""


class ArtifactIterator(Message, frozen=True, kw_only=True):
    items: ArtifactItems = ArtifactItems()
    itemInput: str = ""


class ParameterItems(Message, frozen=True, kw_only=True):
    ONE_OF: ClassVar[Groups] = (("raw", "inputParameter"),)
    raw: str | None = None
    inputParameter: str | None = None


class ParameterIterator(Message, frozen=True, kw_only=True):
    items: ParameterItems = ParameterItems()
    itemInput: str = ""


class RetryPolicy(Message, frozen=True, kw_only=True):
    """What is absent has upstream's default, which is the business of who retries."""

    maxRetryCount: int = 0
    backoffDuration: Duration | None = None
    backoffFactor: float = 0.0
    backoffMaxDuration: Duration | None = None


class IteratorPolicy(Message, frozen=True, kw_only=True):
    parallelismLimit: int = 0


class Task(Message, frozen=True, kw_only=True):
    ONE_OF: ClassVar[Groups] = (("artifactIterator", "parameterIterator"),)
    taskInfo: TaskInfo = TaskInfo()
    inputs: TaskInputs = TaskInputs()
    dependentTasks: list[str] = []
    cachingOptions: CachingOptions = CachingOptions()
    componentRef: ComponentRef = ComponentRef()
    triggerPolicy: TriggerPolicy = TriggerPolicy()
    artifactIterator: ArtifactIterator | None = None
    parameterIterator: ParameterIterator | None = None
    retryPolicy: RetryPolicy | None = None
    iteratorPolicy: IteratorPolicy = IteratorPolicy()

    @property
    def loops(self) -> bool:
        return self.parameterIterator is not None or self.artifactIterator is not None

    @property
    def runs_anyway(self) -> bool:
        """Whether it runs once what it waits for has ended, however that was."""
        return self.triggerPolicy.strategy == "ALL_UPSTREAM_TASKS_COMPLETED"


class ArtifactSelector(Message, frozen=True, kw_only=True):
    producerSubtask: str = ""
    outputArtifactKey: str = ""


class DagOutputArtifact(Message, frozen=True, kw_only=True):
    artifactSelectors: list[ArtifactSelector] = []


class ParameterSelector(Message, frozen=True, kw_only=True):
    producerSubtask: str = ""
    outputParameterKey: str = ""


class ParameterSelectors(Message, frozen=True, kw_only=True):
    parameterSelectors: list[ParameterSelector] = []


class DagOutputParameter(Message, frozen=True, kw_only=True):
    ONE_OF: ClassVar[Groups] = (("valueFromParameter", "valueFromOneof"),)
    valueFromParameter: ParameterSelector | None = None
    valueFromOneof: ParameterSelectors | None = None


class DagOutputs(Message, frozen=True, kw_only=True):
    artifacts: dict[str, DagOutputArtifact] = {}
    parameters: dict[str, DagOutputParameter] = {}


class Dag(Message, frozen=True, kw_only=True):
    tasks: dict[str, Task] = {}
    outputs: DagOutputs = DagOutputs()


class TaskConfigPassthrough(Message, frozen=True, kw_only=True):
    field: Passthrough = "NONE"
    applyToTask: bool = False


class PlatformDeployment(Message, frozen=True, kw_only=True):
    """`executors`: by executor label, as KubernetesExecutorConfig has them."""

    executors: dict[str, Any] = {}


class KubernetesWorkspace(Message, frozen=True, kw_only=True):
    pvcSpecPatch: dict[str, Any] = {}


class Workspace(Message, frozen=True, kw_only=True):
    size: str = ""
    kubernetes: KubernetesWorkspace | None = None


class PipelineConfig(Message, frozen=True, kw_only=True):
    """Seconds; 0: not said."""

    resourceTtlOnCompletion: int = 0
    workspace: Workspace | None = None
    resourceTtlOnSuccess: int = 0
    resourceTtlOnFailure: int = 0
    activeDeadlineSeconds: int = 0


class SinglePlatform(Message, frozen=True, kw_only=True):
    UNHEEDED: ClassVar[tuple[str, ...]] = ("config",)
    deploymentSpec: PlatformDeployment = PlatformDeployment()
    platform: str = ""
    config: dict[str, Any] = {}
    pipelineConfig: PipelineConfig = PipelineConfig()


class PlatformSpec(Message, frozen=True, kw_only=True):
    platforms: dict[str, SinglePlatform] = {}


class Component(Message, frozen=True, kw_only=True):
    ONE_OF: ClassVar[Groups] = (("dag", "executorLabel"),)
    UNHEEDED: ClassVar[tuple[str, ...]] = ("singlePlatformSpecs",)
    inputDefinitions: InputDefinitions = InputDefinitions()
    outputDefinitions: OutputDefinitions = OutputDefinitions()
    dag: Dag | None = None
    executorLabel: str | None = None
    singlePlatformSpecs: list[SinglePlatform] = []
    taskConfigPassthroughs: list[TaskConfigPassthrough] = []


class Exec(Deployed, frozen=True, kw_only=True):
    command: list[str] = []
    args: list[str] = []


class Lifecycle(Deployed, frozen=True, kw_only=True):
    preCacheCheck: Exec | None = None


class Accelerator(Deployed, frozen=True, kw_only=True):
    type: str = ""
    count: int = 0
    resourceType: str = ""
    resourceCount: str = ""


class Resources(Deployed, frozen=True, kw_only=True):
    """cpuLimit … memoryRequest: what the SDK wrote before 2.13, in cores and gigabytes."""

    cpuLimit: float = 0.0
    memoryLimit: float = 0.0
    cpuRequest: float = 0.0
    memoryRequest: float = 0.0
    resourceCpuLimit: str = ""
    resourceMemoryLimit: str = ""
    resourceCpuRequest: str = ""
    resourceMemoryRequest: str = ""
    accelerator: Accelerator | None = None


class EnvVar(Deployed, frozen=True, kw_only=True):
    name: str = ""
    value: str = ""


class Container(Deployed, frozen=True, kw_only=True):
    UNHEEDED: ClassVar[tuple[str, ...]] = ("lifecycle",)
    image: str = ""
    command: list[str] = []
    args: list[str] = []
    lifecycle: Lifecycle | None = None
    resources: Resources | None = None
    env: list[EnvVar] = []


class Importer(Deployed, frozen=True, kw_only=True):
    artifactUri: RuntimeValue = RuntimeValue()
    typeSchema: ArtifactType | None = None
    properties: dict[str, RuntimeValue] = {}
    customProperties: dict[str, RuntimeValue] = {}
    reimport: bool = False
    metadata: dict[str, Any] = {}
    downloadToWorkspace: bool = False


class Executor(Deployed, frozen=True, kw_only=True):
    ONE_OF: ClassVar[Groups] = (("container", "importer", "resolver", "customJob"),)
    container: Container | None = None
    importer: Importer | None = None
    resolver: dict[str, Any] | None = None
    customJob: dict[str, Any] | None = None


class Deployment(Deployed, frozen=True, kw_only=True):
    executors: dict[str, Executor] = {}


class PipelineInfo(Message, frozen=True, kw_only=True):
    name: str = ""
    displayName: str = ""
    description: str = ""


class PipelineSpec(Message, frozen=True, kw_only=True):
    UNHEEDED: ClassVar[tuple[str, ...]] = ("defaultPipelineRoot",)
    pipelineInfo: PipelineInfo = PipelineInfo()
    deploymentSpec: Deployment = Deployment()
    sdkVersion: str = ""
    schemaVersion: str = ""
    components: dict[str, Component] = {}
    root: Component | None = None
    defaultPipelineRoot: str = ""
