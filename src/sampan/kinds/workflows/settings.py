"""What the operator of a cluster sets for all workflows: the ConfigMap of upstream's controller.

`workflow-controller-configmap` is looked for in the namespaces in which upstream's own manifests
and Kubeflow's put it. Each key of its data is one setting, written in YAML; a single key `config`
may hold them all. Upstream: argo-workflows config/config.go, util/config.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sampan.kube import names
from sampan.kube.keys import Key
from sampan.kube.plan import View
from sampan.lib import yaml

NAME = "workflow-controller-configmap"
NAMESPACES = ("argo", "kubeflow")


class Mistake(ValueError):
    """The ConfigMap cannot be read; the text says which key of it."""


def read(cluster: View) -> Mapping[str, Any]:
    """The settings by upstream's names; {} where nobody has set any. Never change them."""
    for namespace in NAMESPACES:
        found = cluster.get(Key(names.CONFIG_MAP, namespace, NAME))
        if found is not None:
            data = found.get("data") or {}
            if "config" in data:
                whole = _parsed(data["config"], "config")
                if not isinstance(whole, dict):
                    raise Mistake(f"{NAME}: config is not an object")
                return whole
            return {key: _parsed(text, key) for key, text in data.items()}
    return {}


@lru_cache(maxsize=64)
def _parsed(text: str, key: str) -> Any:
    try:
        return yaml.load(text)
    except yaml.YamlError as error:
        raise Mistake(f"{NAME}: {key}: {error}") from error
