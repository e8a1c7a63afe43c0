"""What kfp-kubernetes says of a task: the message KubernetesExecutorConfig, an executor label each.

Read from `platforms.kubernetes.deploymentSpec.executors` by `decoding`, as the other messages are;
what a pod makes of it is in `pods`.
Upstream: kubernetes_platform/proto/kubernetes_executor_config.proto.
"""

from __future__ import annotations

from typing import ClassVar

from sampan.kinds.pipelines.ir.messages import (
    Groups,
    Message,
    ParameterSource,
    TaskOutputParameter,
)


class SecretAsVolume(Message, frozen=True, kw_only=True):
    """`secretName`: what SDKs before 2.13 wrote alone."""

    secretName: str = ""
    mountPath: str = ""
    optional: bool | None = None
    secretNameParameter: ParameterSource | None = None


class SecretKeyToEnv(Message, frozen=True, kw_only=True):
    secretKey: str = ""
    envVar: str = ""


class SecretAsEnv(Message, frozen=True, kw_only=True):
    secretName: str = ""
    keyToEnv: list[SecretKeyToEnv] = []
    optional: bool | None = None
    secretNameParameter: ParameterSource | None = None


class ConfigMapAsVolume(Message, frozen=True, kw_only=True):
    configMapName: str = ""
    mountPath: str = ""
    optional: bool | None = None
    configMapNameParameter: ParameterSource | None = None


class ConfigMapKeyToEnv(Message, frozen=True, kw_only=True):
    configMapKey: str = ""
    envVar: str = ""


class ConfigMapAsEnv(Message, frozen=True, kw_only=True):
    configMapName: str = ""
    keyToEnv: list[ConfigMapKeyToEnv] = []
    configMapNameParameter: ParameterSource | None = None
    optional: bool | None = None


class PvcMount(Message, frozen=True, kw_only=True):
    """The claim is named by `pvcNameParameter`, in older IR by one of the other three."""

    ONE_OF: ClassVar[Groups] = (("taskOutputParameter", "constant", "componentInputParameter"),)
    taskOutputParameter: TaskOutputParameter | None = None
    constant: str | None = None
    componentInputParameter: str | None = None
    mountPath: str = ""
    pvcNameParameter: ParameterSource | None = None
    subPath: str = ""


class NodeSelector(Message, frozen=True, kw_only=True):
    labels: dict[str, str] = {}
    nodeSelectorJson: ParameterSource | None = None


class PodMetadata(Message, frozen=True, kw_only=True):
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class ImagePullSecret(Message, frozen=True, kw_only=True):
    secretName: str = ""
    secretNameParameter: ParameterSource | None = None


class FieldPathAsEnv(Message, frozen=True, kw_only=True):
    name: str = ""
    fieldPath: str = ""


class Toleration(Message, frozen=True, kw_only=True):
    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""
    tolerationSeconds: int | None = None
    tolerationJson: ParameterSource | None = None


class SelectorRequirement(Message, frozen=True, kw_only=True):
    key: str = ""
    operator: str = ""
    values: list[str] = []


class NodeAffinityTerm(Message, frozen=True, kw_only=True):
    """With a weight it is a preference."""

    matchExpressions: list[SelectorRequirement] = []
    matchFields: list[SelectorRequirement] = []
    weight: int | None = None
    nodeAffinityJson: ParameterSource | None = None


class PodAffinityTerm(Message, frozen=True, kw_only=True):
    matchPodExpressions: list[SelectorRequirement] = []
    matchPodLabels: dict[str, str] = {}
    topologyKey: str = ""
    namespaces: list[str] = []
    matchNamespaceExpressions: list[SelectorRequirement] = []
    matchNamespaceLabels: dict[str, str] = {}
    weight: int | None = None
    anti: bool | None = None


class GenericEphemeralVolume(Message, frozen=True, kw_only=True):
    volumeName: str = ""
    mountPath: str = ""
    accessModes: list[str] = []
    size: str = ""
    defaultStorageClass: bool = False
    storageClassName: str = ""
    metadata: PodMetadata | None = None


class EnabledSharedMemory(Message, frozen=True, kw_only=True):
    volumeName: str = ""
    size: str = ""


class EmptyDirMount(Message, frozen=True, kw_only=True):
    volumeName: str = ""
    mountPath: str = ""
    medium: str | None = None
    sizeLimit: str | None = None


class SecurityContext(Message, frozen=True, kw_only=True):
    runAsUser: int | None = None
    runAsGroup: int | None = None
    runAsNonRoot: bool | None = None


class InitEnvVar(Message, frozen=True, kw_only=True):
    name: str = ""
    value: str = ""


class InitVolumeMount(Message, frozen=True, kw_only=True):
    volumeName: str = ""
    mountPath: str = ""


class InitResources(Message, frozen=True, kw_only=True):
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}


class InitContainer(Message, frozen=True, kw_only=True):
    name: str = ""
    image: str = ""
    command: list[str] = []
    args: list[str] = []
    env: list[InitEnvVar] = []
    volumeMounts: list[InitVolumeMount] = []
    restartPolicy: str | None = None
    resources: InitResources | None = None


class ExecutorConfig(Message, frozen=True, kw_only=True):
    """All that may be said of one task; seconds where there is a time."""

    secretAsVolume: list[SecretAsVolume] = []
    secretAsEnv: list[SecretAsEnv] = []
    pvcMount: list[PvcMount] = []
    nodeSelector: NodeSelector | None = None
    podMetadata: PodMetadata | None = None
    imagePullSecret: list[ImagePullSecret] = []
    imagePullPolicy: str = ""
    configMapAsVolume: list[ConfigMapAsVolume] = []
    configMapAsEnv: list[ConfigMapAsEnv] = []
    activeDeadlineSeconds: int = 0
    fieldPathAsEnv: list[FieldPathAsEnv] = []
    tolerations: list[Toleration] = []
    genericEphemeralVolume: list[GenericEphemeralVolume] = []
    nodeAffinity: list[NodeAffinityTerm] = []
    podAffinity: list[PodAffinityTerm] = []
    enabledSharedMemory: EnabledSharedMemory | None = None
    emptyDirMounts: list[EmptyDirMount] = []
    securityContext: SecurityContext | None = None
    initContainers: list[InitContainer] = []
