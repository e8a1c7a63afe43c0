"""What the operator of the cluster set: ConfigMap `katib-config`, upstream's document.

Algorithms that we have need no entry. One whose image is not upstream's is a service of the
operator's own, which is run and asked instead. Without the ConfigMap everything is as upstream's
defaults say. Upstream: pkg/apis/config/v1beta1, pkg/util/v1beta1/katibconfig.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sampan.kube import names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import View
from sampan.lib import yaml
from sampan.lib.search import algorithms, stopping

_WHERE = Key(names.CONFIG_MAP, names.PLATFORM_NAMESPACE, "katib-config")
_DOCUMENT = "katib-config.yaml"
_UPSTREAM = re.compile(r"(?:.*/)?(?:kubeflow/katib|kubeflowkatib)/[a-z-]+(?:[:@].*)?")
_COLLECTORS = ("StdOut", "File", "TensorFlowEvent")
"""Kinds that upstream's document has an image for."""
Entry = Mapping[str, Any]


class Unknown(ValueError):
    """Nothing of that name is known here; in upstream's words."""


class Settings:
    """The document as far as it is one: parts of other types are passed over."""

    def __init__(self, document: Any) -> None:
        runtime = document.get("runtime") if isinstance(document, dict) else None
        runtime = runtime if isinstance(runtime, dict) else {}
        self._suggestions = _by(runtime.get("suggestions"), "algorithmName")
        self._stopping = _by(runtime.get("earlyStoppings"), "algorithmName")
        self._collectors = _by(runtime.get("metricsCollectors"), "kind")

    def service(self, algorithm: str) -> Entry | None:
        """The entry of a service of the operator's own, None where we search ourselves. Unknown."""
        entry = self._suggestions.get(algorithm)
        if algorithm in algorithms.MODULES and (entry is None or _is_upstreams(entry)):
            return None
        if entry is None:
            raise Unknown(_missing("suggestion config for algorithm", algorithm))
        if not str(entry.get("image") or "").strip():
            raise Unknown(f"required value for image configuration of algorithm name: {algorithm}")
        return entry

    def claim(self, algorithm: str) -> Manifest:
        """The spec of the claim of an algorithm's volume."""
        given = (self._suggestions.get(algorithm) or {}).get("persistentVolumeClaimSpec")
        given = given if isinstance(given, dict) else {}
        return {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            **given,
        }

    def check_stopping(self, algorithm: str) -> None:
        """Unknown."""
        if algorithm not in stopping.MODULES and algorithm not in self._stopping:
            raise Unknown(_missing("early stopping config for algorithm", algorithm))

    def check_collector(self, kind: str) -> None:
        """Unknown."""
        if kind not in _COLLECTORS and kind not in self._collectors:
            raise Unknown(_missing("metrics collector config for kind", kind))


def find(view: View) -> Settings:
    found = view.get(_WHERE)
    return _read(str(((found or {}).get("data") or {}).get(_DOCUMENT) or ""))


@lru_cache(maxsize=4)
def _read(text: str) -> Settings:
    try:
        return Settings(yaml.load(text))
    except (ValueError, RecursionError):
        return Settings(None)


def _by(listed: Any, field: str) -> dict[str, Entry]:
    entries = (
        [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    )
    return {str(each.get(field)): each for each in entries}


def _is_upstreams(entry: Entry) -> bool:
    return _UPSTREAM.fullmatch(str(entry.get("image") or "")) is not None


def _missing(what: str, name: str) -> str:
    return f"failed to find {what}: {name} in ConfigMap: {_WHERE.name}"
