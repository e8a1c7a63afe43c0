"""Pod: defaults, the service account's token, and what may change after creation.

The shape of a spec is `sampan.kube.podspec`'s business, for pods and templates alike.
Upstream: kubernetes pkg/registry/core/pod, pkg/apis/core/validation ValidatePodUpdate,
plugin/pkg/admission/{serviceaccount,priority,limitranger,runtimeclass}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sampan.kinds.core.admit import limits, priorities, runtimes
from sampan.kube import ephemeral, meta, names, podspec, quantities, unenforced
from sampan.kube.component import Rules
from sampan.kube.errors import Forbidden, Invalid, Problem, forbidden, invalid
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import View

TOKEN_LIFE = 3607
"""Upstream's figure: an hour, and a mark by which the origin of a token can be told."""

_FIXED = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions"
    " to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it"
    " was previously negative)"
)
_RESOURCES = ("cpu", "memory")
_STAYS: tuple[Mapping[str, Any], ...] = tuple(
    {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
)


def default_pod(manifest: Manifest) -> None:
    spec = manifest.setdefault("spec", {})
    podspec.fill_pod(spec)
    ephemeral.fill(spec)


def prepare_pod(manifest: Manifest, old: Manifest | None) -> None:
    if old is None:
        manifest["status"] = {"phase": "Pending", "qosClass": qos_class(manifest["spec"])}


def qos_class(spec: Mapping[str, Any]) -> str:
    """Guaranteed: requests equal limits everywhere; BestEffort: there are none at all."""
    every = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    if spec.get("resources"):  # of the pod as a whole: then only those count
        every = [spec]
    resources = [each.get("resources") or {} for each in every]
    limits = [_amounts(each.get("limits")) for each in resources]
    requests = [_amounts(each.get("requests")) for each in resources]
    if not any(limits) and not any(requests):
        return "BestEffort"
    if limits == requests and all(len(each) == len(_RESOURCES) for each in limits):
        return "Guaranteed"
    return "Burstable"


def validate_pod(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    spec = manifest["spec"]
    if old is None:
        found = podspec.problems(spec, "spec")
        if spec.get("ephemeralContainers"):
            fault = "cannot be set on create"
            found.append(forbidden("spec.ephemeralContainers", fault))
        return found
    if spec == old["spec"]:
        return []
    return [*podspec.problems(spec, "spec"), *_update(spec, old["spec"])]


def validate_added(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    """What is written to `ephemeralcontainers`."""
    return ephemeral.problems(manifest["spec"], old["spec"] if old else {})


def admit_pod(view: View, manifest: Manifest, old: Manifest | None) -> None:
    """On creation only: the account, its token and its pull secrets, and the priority."""
    if old is not None:
        return
    spec = manifest["spec"]
    if fault := priorities.assign(view, spec):
        raise _forbidden(manifest, fault)
    if fault := runtimes.fill(view, manifest):
        raise _forbidden(manifest, fault)
    _limit(view, manifest)
    name = spec.get("serviceAccountName") or names.DEFAULT_ACCOUNT
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account = view.get(Key(names.SERVICE_ACCOUNT, meta.namespace_of(manifest), name))
    if account is None and name != names.DEFAULT_ACCOUNT:
        home = meta.namespace_of(manifest)
        cause = f'error looking up service account {home}/{name}: serviceaccount "{name}" not found'
        raise _forbidden(manifest, cause)
    # A namespace gets its default account a moment after it is made; its token waits for it.
    account = account or {}
    spec["tolerations"] = _tolerations(spec.get("tolerations") or ())
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = list(account["imagePullSecrets"])
    if _automounts(spec, account):
        _mount_token(manifest)


def _limit(view: View, manifest: Manifest) -> None:
    """Defaults and bounds of the namespace's LimitRanges. With a default limit an object may be
    at fault that was right before, and its class of service may be another one."""
    if not view.select(names.LIMIT_RANGE, meta.namespace_of(manifest)):
        return
    faults = limits.fill_and_check(view, manifest)
    if problems := podspec.problems(manifest["spec"], "spec"):
        raise Invalid.of("Pod", "", meta.name_of(manifest), problems)
    if faults:
        raise _forbidden(manifest, limits.sentence(faults))
    manifest["status"]["qosClass"] = qos_class(manifest["spec"])


def _tolerations(given: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A pod stays five minutes on a node that is not ready or out of reach, unless it says
    otherwise (upstream: plugin/pkg/admission/defaulttolerationseconds)."""
    said = {
        each.get("key")
        for each in given
        if each.get("effect") in (None, "", "NoExecute") and each.get("key")
    }
    if any(not each.get("key") and each.get("effect") in (None, "", "NoExecute") for each in given):
        return list(given)
    added = [each for each in _STAYS if each["key"] not in said]
    return [*given, *added]


def _automounts(spec: Mapping[str, Any], account: Mapping[str, Any]) -> bool:
    said = spec.get("automountServiceAccountToken")
    return bool(account.get("automountServiceAccountToken", True) if said is None else said)


def _mount_token(manifest: Manifest) -> None:
    """Mount token, CA and namespace in each container that has nothing at that place."""
    spec = manifest["spec"]
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    open_ = [each for each in containers if not _has_mount(each)]
    if not open_:
        return
    where = manifest["metadata"]
    known = f"{meta.namespace_of(manifest)}/{where.get('name') or where.get('generateName')}"
    volume = f"kube-api-access-{meta.fnv32a(known.encode()) % 16**5:05x}"
    spec["volumes"] = [*(spec.get("volumes") or ()), _token_volume(volume)]
    for container in open_:
        mount = {"name": volume, "mountPath": names.ACCOUNT_PATH, "readOnly": True}
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]


def _has_mount(container: Mapping[str, Any]) -> bool:
    mounts = container.get("volumeMounts") or ()
    return any(mount.get("mountPath") == names.ACCOUNT_PATH for mount in mounts)


def _token_volume(name: str) -> dict[str, Any]:
    namespace = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    return {
        "name": name,
        "projected": {
            "defaultMode": 0o644,
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": TOKEN_LIFE, "path": "token"}},
                {
                    "configMap": {
                        "name": names.ROOT_CA,
                        "items": [{"key": "ca.crt", "path": "ca.crt"}],
                    }
                },
                {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": namespace}]}},
            ],
        },
    }


def _update(new: Mapping[str, Any], old: Mapping[str, Any]) -> Iterator[Problem]:
    if _frozen(new) != _frozen(old):
        yield forbidden("spec", _FIXED)
    deadline, before = new.get("activeDeadlineSeconds"), old.get("activeDeadlineSeconds")
    if before is not None and (deadline is None or deadline > before):
        fault = "must be less than or equal to previous value"
        yield invalid("spec.activeDeadlineSeconds", deadline, fault)
    tolerated = new.get("tolerations") or ()
    if any(each not in tolerated for each in old.get("tolerations") or ()):
        fault = "existing toleration can not be modified except its tolerationSeconds"
        yield forbidden("spec.tolerations", fault)


def _frozen(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec without what may change."""
    fixed = {
        key: value
        for key, value in spec.items()
        if key not in ("activeDeadlineSeconds", "tolerations")
    }
    for field in ("containers", "initContainers"):
        fixed[field] = [
            {key: value for key, value in each.items() if key != "image"}
            for each in spec.get(field) or ()
        ]
    return fixed


def _amounts(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """CPU and memory, compared as numbers. What cannot be read is validation's business."""
    found = {}
    for name in _RESOURCES:
        try:
            amount = quantities.parse((given or {}).get(name, 0))
        except ValueError:
            continue
        if amount:
            found[name] = amount
    return found


def _forbidden(manifest: Manifest, cause: str) -> Forbidden:
    where = manifest["metadata"]
    name = where.get("name") or where.get("generateName", "")
    return Forbidden(f'pods "{name}" is forbidden: {cause}', {"name": name, "kind": "pods"})


def warn_pod(manifest: Manifest) -> list[str]:
    return unenforced.warnings(manifest["spec"])


POD_RULES = Rules(
    default=default_pod,
    prepare=prepare_pod,
    validate=validate_pod,
    parts={"ephemeralcontainers": validate_added},
    admit=admit_pod,
    warn=warn_pod,
)
