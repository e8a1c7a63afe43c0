"""Executor plugins: sidecars of the agent that carry out templates of kind `plugin`.

They come from ConfigMaps of the workflow's namespace that are labelled as such, or from the
workflow itself (`executorPlugins`), which then has no others. A ConfigMap that is none is passed
over, as by upstream. Upstream: argo-workflows workflow/util/plugin/configmap.go,
pkg/plugins/spec, workflow/controller/agent.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sampan.kinds.workflows.pods.about import Unbuildable
from sampan.kinds.workflows.types import Plugin
from sampan.kube import argoexec, meta, names
from sampan.kube.plan import View
from sampan.lib import yaml

_SUFFIX = "-executor-plugin"
_TYPE = "ExecutorPlugin"
_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"


def see(cluster: View, namespace: str) -> tuple[Plugin, ...]:
    labels = {"matchLabels": {names.LABEL_CONFIGMAP_TYPE: _TYPE}}
    found = []
    for each in cluster.select(names.CONFIG_MAP, namespace, labels):
        data = each.get("data") or {}
        try:
            container = yaml.load(data.get("sidecar.container") or "")
        except yaml.YamlError:
            continue
        plugin = Plugin(
            name=meta.name_of(each).removesuffix(_SUFFIX),
            container=container if isinstance(container, dict) else {},
            with_token=data.get("sidecar.automountServiceAccountToken") == "true",
        )
        if not fault_of(plugin):
            found.append(plugin)
    return tuple(found)


def of_workflow(spec: Mapping[str, Any]) -> tuple[Plugin, ...]:
    """The plugins that the workflow brings. Unbuildable when one is none."""
    found: list[Plugin] = []
    for each in spec.get("executorPlugins") or ():
        sidecar = ((each.get("spec") or {}).get("sidecar")) or {}
        plugin = Plugin(
            name=(each.get("metadata") or {}).get("name") or "",
            container=sidecar.get("container") or {},
            with_token=bool(sidecar.get("automountServiceAccountToken")),
        )
        if fault := fault_of(plugin):
            raise Unbuildable(f"executor plugin {plugin.name!r}: {fault}")
        found.append(plugin)
    return tuple(found)


def fault_of(plugin: Plugin) -> str:
    """What keeps it from being one; "" when nothing does."""
    container = plugin.container
    if len(container.get("ports") or ()) != 1 or not isinstance(_port(container), int):
        return "sidecar.container must have exactly one port"
    required = {
        "name": container.get("name"),
        "image": container.get("image"),
        "resources.requests": (container.get("resources") or {}).get("requests"),
        "resources.limits": (container.get("resources") or {}).get("limits"),
        "securityContext": container.get("securityContext"),
    }
    missing = [field for field, value in required.items() if not value]
    return f"sidecar.container.{missing[0]} is required" if missing else ""


def container(plugin: Plugin) -> dict[str, Any]:
    """The sidecar. It sees its own word to the agent and nobody else's."""
    made = dict(plugin.container)
    word = {
        "name": argoexec.VOLUME_RUN, "mountPath": argoexec.RUN, "readOnly": True,
        "subPath": made["name"],
    }  # fmt: skip
    mounts = [*(made.get("volumeMounts") or ()), word]
    if plugin.with_token:
        mounts.append({"name": _volume(plugin), "mountPath": _TOKEN_PATH, "readOnly": True})
    return {**made, "volumeMounts": mounts}


def token(plugin: Plugin) -> dict[str, Any]:
    """The volume with the token of the plugin's own service account."""
    secret = {"secretName": f"{plugin.name}{_SUFFIX}.service-account-token"}
    return {"name": _volume(plugin), "secret": secret}


def port_of(container: Mapping[str, Any]) -> int:
    return int(_port(container))


def _port(container: Mapping[str, Any]) -> Any:
    ports: Iterable[Mapping[str, Any]] = container.get("ports") or ({},)
    return next(iter(ports)).get("containerPort")


def _volume(plugin: Plugin) -> str:
    return f"{plugin.name}-token"
