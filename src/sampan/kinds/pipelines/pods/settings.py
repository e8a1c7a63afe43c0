"""What kfp-kubernetes gives a task besides its place: volumes, variables, time, identity.

Volumes and variables come in the order in which upstream adds them, so that of two that want the
same path or name the same one wins. Names of objects may come from inputs; of an optional one that
was not given nothing is set. Upstream: backend/src/v2/driver/k8s.go extendPodSpecPatch, which knows
neither `podAffinity` nor `enabledSharedMemory`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kinds.pipelines.ir.kubernetes import (
    ConfigMapAsEnv,
    ExecutorConfig,
    GenericEphemeralVolume,
    PvcMount,
    SecretAsEnv,
)
from sampan.kinds.pipelines.ir.messages import ParameterSource, RuntimeValue
from sampan.kinds.pipelines.pods import placement
from sampan.kinds.pipelines.pods.about import Unbuildable
from sampan.kinds.pipelines.pods.draft import Draft
from sampan.kinds.pipelines.pods.resources import quantity
from sampan.kube.volumes import ACCESS_MODES

_POLICIES = ("Always", "Never", "IfNotPresent")

_FIELDS = {
    "secret": "SecretName or SecretNameParameter",
    "config map": "ConfigMapName or ConfigNameParameter",
}


def apply(draft: Draft, config: ExecutorConfig) -> None:
    """All of them. Unbuildable, Unresolved."""
    for mount in config.pvcMount:
        _claim(draft, mount)
    if (policy := config.imagePullPolicy) and policy not in _POLICIES:
        raise Unbuildable(
            f"unsupported value: {policy}. ImagePullPolicy should be one of 'Always', 'Never' or "
            "'IfNotPresent'"
        )
    if policy:
        draft.main["imagePullPolicy"] = policy
    placement.place(draft, config)
    _objects(draft, config)
    if secrets := list(_pull_secrets(draft, config)):
        draft.spec["imagePullSecrets"] = secrets
    for field in config.fieldPathAsEnv:
        reference = {"fieldRef": {"fieldPath": field.fieldPath}}
        draft.env({"name": field.name, "valueFrom": reference})
    if config.activeDeadlineSeconds > 0:
        draft.spec["activeDeadlineSeconds"] = config.activeDeadlineSeconds
    for volume in config.genericEphemeralVolume:
        _ephemeral(draft, volume)
    _empty(draft, config)
    if config.securityContext is not None:
        _identity(draft, config)


def claim_name(draft: Draft, mount: PvcMount) -> str:
    """Of the claim that is mounted; its names of old count where there is no new one."""
    source = mount.pvcNameParameter
    if source is None and mount.constant:
        source = ParameterSource(runtimeValue=RuntimeValue(constant=mount.constant))
    elif source is None and mount.taskOutputParameter is not None:
        source = ParameterSource(taskOutputParameter=mount.taskOutputParameter)
    elif source is None and mount.componentInputParameter:
        source = ParameterSource(componentInputParameter=mount.componentInputParameter)
    if source is None:
        raise Unbuildable(
            "failed to make podSpecPatch: volume mount: volume name not provided (pvcMount)"
        )
    name = draft.name("", source, "pvc name")
    if not name or not mount.mountPath:
        raise Unbuildable("failed to mount volume, missing mountpath or pvc name")
    return name


def _claim(draft: Draft, mount: PvcMount) -> None:
    name = claim_name(draft, mount)
    seen = {"mountPath": mount.mountPath}
    if mount.subPath:
        seen["subPath"] = mount.subPath
    draft.mount(name, {"persistentVolumeClaim": {"claimName": name}}, seen)


def _objects(draft: Draft, config: ExecutorConfig) -> None:
    """Secrets and ConfigMaps: volumes first, then variables, of each kind."""
    for secret in config.secretAsVolume:
        name = _name(
            draft, "secret", secret.secretName, secret.secretNameParameter, "secret volume"
        )
        if name is not None:
            source = {"secretName": name, **_optional(secret.optional)}
            draft.mount(name, {"secret": source}, {"mountPath": secret.mountPath})
    for variables in config.secretAsEnv:
        _secret_env(draft, variables)
    for each in config.configMapAsVolume:
        name = _name(
            draft, "config map", each.configMapName, each.configMapNameParameter, "config volume"
        )
        if name is not None:
            source = {"name": name, **_optional(each.optional)}
            draft.mount(name, {"configMap": source}, {"mountPath": each.mountPath})
    for settings in config.configMapAsEnv:
        _config_env(draft, settings)


def _secret_env(draft: Draft, wanted: SecretAsEnv) -> None:
    name = _name(
        draft,
        "secret",
        wanted.secretName,
        wanted.secretNameParameter,
        "secret environment variable",
    )
    for each in wanted.keyToEnv if name is not None else ():
        key = {"name": name, "key": each.secretKey, **_optional(wanted.optional)}
        draft.env({"name": each.envVar, "valueFrom": {"secretKeyRef": key}})


def _config_env(draft: Draft, wanted: ConfigMapAsEnv) -> None:
    given = wanted.configMapName
    name = _name(
        draft, "config map", given, wanted.configMapNameParameter, "configmap environment variable"
    )
    for each in wanted.keyToEnv if name is not None else ():
        key = {"name": name, "key": each.configMapKey, **_optional(wanted.optional)}
        draft.env({"name": each.envVar, "valueFrom": {"configMapKeyRef": key}})


def _pull_secrets(draft: Draft, config: ExecutorConfig) -> Iterator[dict[str, str]]:
    for each in config.imagePullSecret:
        name = _name(
            draft, "secret", each.secretName, each.secretNameParameter, "image pull secret"
        )
        if name is not None:
            yield {"name": name}


def _name(
    draft: Draft, kind: str, given: str, source: ParameterSource | None, what: str
) -> str | None:
    """None when it comes from an optional input that was not given."""
    if source is None and not given:
        fields = _FIELDS[kind]
        raise Unbuildable(f"missing either {fields} for {what} in executor config")
    return draft.name(given, source, f"{kind} name")


def _optional(value: bool | None) -> dict[str, bool]:
    """Only where it changes something."""
    return {"optional": True} if value else {}


def _ephemeral(draft: Draft, wanted: GenericEphemeralVolume) -> None:
    what = f"generic ephemeral volume {wanted.volumeName!r}"
    for mode in wanted.accessModes:
        if mode not in ACCESS_MODES:
            raise Unbuildable(f"{what}: unknown access mode {mode!r}")
    size = quantity(wanted.size, f"size of {what}")
    spec: dict[str, Any] = {
        "accessModes": wanted.accessModes,
        "resources": {"requests": {"storage": size}},
    }
    if not wanted.defaultStorageClass:
        spec["storageClassName"] = wanted.storageClassName
    template: dict[str, Any] = {"spec": spec}
    if wanted.metadata is not None:
        given = {"labels": wanted.metadata.labels, "annotations": wanted.metadata.annotations}
        template["metadata"] = {name: entries for name, entries in given.items() if entries}
    source = {"ephemeral": {"volumeClaimTemplate": template}}
    draft.mount_here(wanted.volumeName, source, {"mountPath": wanted.mountPath})


def _empty(draft: Draft, config: ExecutorConfig) -> None:
    for each in config.emptyDirMounts:
        body: dict[str, str] = {}
        if each.medium:
            body["medium"] = each.medium
        if each.sizeLimit:
            what = f"size limit of emptyDir volume {each.volumeName!r}"
            body["sizeLimit"] = quantity(each.sizeLimit, what)
        draft.mount_here(each.volumeName, {"emptyDir": body}, {"mountPath": each.mountPath})
    if (shared := config.enabledSharedMemory) is not None:
        body = {"medium": "Memory"}
        if shared.size:
            body["sizeLimit"] = quantity(shared.size, "size of the shared memory")
        name = shared.volumeName or "shm"
        draft.mount_here(name, {"emptyDir": body}, {"mountPath": "/dev/shm"})


def _identity(draft: Draft, config: ExecutorConfig) -> None:
    """Whose program it is. Upstream drops all capabilities whenever it is said."""
    wanted = config.securityContext
    assert wanted is not None
    if wanted.runAsUser == 0 and wanted.runAsNonRoot:
        raise Unbuildable(
            "runAsUser=0 (root) is not allowed: runAsNonRoot is true; use a non-root UID instead"
        )
    said = {
        "runAsUser": wanted.runAsUser,
        "runAsGroup": wanted.runAsGroup,
        "runAsNonRoot": wanted.runAsNonRoot,
    }
    context: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    draft.main["securityContext"] = {**context, "capabilities": {"drop": ["ALL"]}}
