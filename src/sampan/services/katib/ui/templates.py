"""Templates of trials: ConfigMaps with a label, each key of which is one.

Only namespaces whose ConfigMaps the caller may list are shown.
Upstream: pkg/ui/v1beta1/util.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from sampan.kube import names
from sampan.kube.errors import ApiStatus, Forbidden, NotFound
from sampan.kube.keys import Manifest
from sampan.services.errors import invalid
from sampan.services.kube import CONFIG_MAP, Kube, Resource

NAMESPACE = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
LABELS = {names.LABEL_KATIB_COMPONENT: "trial-templates"}
_OURS = {"labelSelector": f"{names.LABEL_KATIB_COMPONENT}=trial-templates"}


async def namespaces(kube: Kube) -> list[str]:
    """Who may not list them has the platform's, as upstream, and the first user's."""
    try:
        found = await kube.list(NAMESPACE, "")
    except Forbidden:
        return [names.PLATFORM_NAMESPACE, names.DEFAULT_USER_NAMESPACE]
    return [each["metadata"]["name"] for each in found["items"]]


async def listed(kube: Kube) -> dict[str, Any]:
    where = await namespaces(kube)
    views = await asyncio.gather(*(_of(kube, each) for each in where))
    return {"Data": [view for view in views if view["ConfigMaps"]]}


async def _of(kube: Kube, namespace: str) -> dict[str, Any]:
    try:
        found = (await kube.list(CONFIG_MAP, namespace, _OURS))["items"]
    except ApiStatus:  # none of the caller's business, or gone
        found = []
    maps = [
        {
            "ConfigMapName": each["metadata"]["name"],
            "Templates": [
                {"Path": path, "Yaml": text}
                for path, text in sorted((each.get("data") or {}).items())
            ],
        }
        for each in found
    ]
    return {
        "ConfigMapNamespace": namespace,
        "ConfigMaps": [each for each in maps if each["Templates"]],
    }


async def add(kube: Kube, asked: Mapping[str, Any]) -> dict[str, Any]:
    """A key more, in a ConfigMap that is made where there is none."""
    namespace, name, path = _where(asked)
    data = {path: _text(asked, "updatedTemplateYaml")}
    try:
        await kube.patch(
            CONFIG_MAP, namespace, name, {"metadata": {"labels": LABELS}, "data": data}
        )
    except NotFound:
        about = {"name": name, "namespace": namespace, "labels": LABELS}
        await kube.create(CONFIG_MAP, namespace, {"metadata": about, "data": data})
    return await listed(kube)


async def edit(kube: Kube, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Another text, or another name as well."""
    namespace, name, path = _where(asked)
    before = _text(asked, "configMapPath")
    data: dict[str, str | None] = {before: None} if before else {}
    data[path] = _text(asked, "updatedTemplateYaml")
    await kube.patch(CONFIG_MAP, namespace, name, {"data": data})
    return await listed(kube)


async def delete(kube: Kube, asked: Mapping[str, Any]) -> dict[str, Any]:
    """With the last template the ConfigMap goes."""
    namespace, name, path = _where(asked)
    found: Manifest = await kube.get(CONFIG_MAP, namespace, name)
    if set(found.get("data") or {}) <= {path} and not found.get("binaryData"):
        uid = found["metadata"]["uid"]
        await kube.delete(CONFIG_MAP, namespace, name, {"preconditions": {"uid": uid}})
    else:
        await kube.patch(CONFIG_MAP, namespace, name, {"data": {path: None}})
    return await listed(kube)


def _where(asked: Mapping[str, Any]) -> tuple[str, str, str]:
    names = ("updatedConfigMapNamespace", "updatedConfigMapName", "updatedConfigMapPath")
    namespace, name, path = (_text(asked, each) for each in names)
    for field, value in zip(names, (namespace, name, path), strict=True):
        if not value:
            raise invalid(f"{field} is missing")
    return namespace, name, path


def _text(asked: Mapping[str, Any], name: str) -> str:
    found = asked.get(name) or ""
    if not isinstance(found, str):
        raise invalid(f"{name} must be a text")
    return found
