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

from sampan.kube import katib, names, quantities
from sampan.kube.keys import Key, Manifest, split_kind
from sampan.kube.plan import View
from sampan.lib import yaml
from sampan.lib.search import algorithms, stopping

_WHERE = Key(names.CONFIG_MAP, names.PLATFORM_NAMESPACE, "katib-config")
_DOCUMENT = "katib-config.yaml"
_UPSTREAM = re.compile(r"(?:.*/)?(?:kubeflow/katib|kubeflowkatib)/[a-z-]+(?:[:@].*)?")
_LEAST = {"cpu": "50m", "memory": "10Mi", "ephemeral-storage": "500Mi"}
_MOST = {"cpu": "500m", "memory": "100Mi", "ephemeral-storage": "5Gi"}
"""What a collector asks for and may have, where the document does not say; a negative amount there
takes the entry away."""
_COLLECTORS: Mapping[str, Mapping[str, Any]] = {
    kind: {"kind": kind, "image": image} for kind, image in katib.IMAGES.items()
} | {
    "TensorFlowEvent": {
        "kind": "TensorFlowEvent",
        "image": katib.IMAGES["TensorFlowEvent"],
        "resources": {"limits": {"memory": "1Gi"}},
    }
}
"""Kinds that upstream's document has an entry for, and one that the node reads itself."""
_TRIALS = frozenset(
    (
        names.JOB,
        names.TRAIN_JOB,
        names.WORKFLOW,
        names.RUN,
        *(f"{kind}.{names.KUBEFLOW_GROUP}" for kind in (
            "TFJob", "PyTorchJob", "MPIJob", "XGBoostJob", "JAXJob", "PaddleJob",
        )),
    )
)  # fmt: skip
"""What runs pods in its own namespace. Trials are made with our rights: whether their authors may
make other kinds as well is for the operator to say."""
_PULL = ("Always", "IfNotPresent", "Never")
Entry = Mapping[str, Any]


class Unknown(ValueError):
    """Nothing of that name is known here; in upstream's words."""


class Settings:
    """The document as far as it is one: parts of other types are passed over."""

    def __init__(self, document: Any) -> None:
        runtime = _part(document, "runtime")
        listed = _part(_part(document, "init"), "controller").get("trialResources")
        more = map(str, listed) if isinstance(listed, list) else ()
        self._trials = _TRIALS | {_kind(each) for each in more}
        self._suggestions = _by(runtime.get("suggestions"), "algorithmName")
        self._stopping = _by(runtime.get("earlyStoppings"), "algorithmName")
        self._collectors = _by(runtime.get("metricsCollectors"), "kind")

    def is_ours(self, algorithm: str) -> bool:
        """Whether we search ourselves, and no service of the operator's own does."""
        entry = self._suggestions.get(algorithm)
        return algorithm in algorithms.MODULES and (entry is None or _is_upstreams(entry))

    def check_trial(self, kind: str) -> None:
        """Unknown, for a kind that trials may not make."""
        if kind not in self._trials:
            name, group = split_kind(kind)
            what = f'kind "{name}" in group "{group}"'
            raise Unknown(f"no trial may make {what}: trialResources of {_WHERE} have none")

    def service(self, algorithm: str) -> Entry | None:
        """The entry of a service of the operator's own, None where we search ourselves. Unknown."""
        if self.is_ours(algorithm):
            return None
        entry = self._suggestions.get(algorithm)
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

    def collector(self, kind: str) -> Entry:
        """The image, its pull policy and the resources of a kind of collector, complete, and
        `waitAllProcesses` where it is set. Unknown."""
        self.check_collector(kind)
        entry = self._collectors.get(kind) or _COLLECTORS[kind]
        if not str(entry.get("image") or "").strip():
            text = "required value for image configuration of metrics collector kind"
            raise Unknown(f"{text}: {kind}")
        given = entry.get("resources")
        given = given if isinstance(given, dict) else {}
        pull = entry.get("imagePullPolicy")
        return {
            **entry,
            "imagePullPolicy": pull if pull in _PULL else "IfNotPresent",
            "resources": {
                **given,
                "requests": _amounts(given.get("requests"), _LEAST),
                "limits": _amounts(given.get("limits"), _MOST),
            },
        }


def scrapes(entry: Entry) -> bool:
    """Whether the node itself asks the program for its metrics, as no image does."""
    return entry.get("image") == katib.IMAGES["PrometheusMetric"]


def find(view: View) -> Settings:
    found = view.get(_WHERE)
    return _read(str(((found or {}).get("data") or {}).get(_DOCUMENT) or ""))


@lru_cache(maxsize=4)
def _read(text: str) -> Settings:
    try:
        return Settings(yaml.load(text))
    except (ValueError, RecursionError):
        return Settings(None)


def _part(parent: Any, name: str) -> Mapping[str, Any]:
    found = parent.get(name) if isinstance(parent, dict) else None
    return found if isinstance(found, dict) else {}


def _kind(resource: str) -> str:
    """Of `Kind.version.group`, as upstream has it."""
    name, _, rest = resource.partition(".")
    group = rest.partition(".")[2]
    return f"{name}.{group}" if group else name


def _by(listed: Any, field: str) -> dict[str, Entry]:
    entries = (
        [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    )
    return {str(each.get(field)): each for each in entries}


def _amounts(given: Any, usual: Mapping[str, str]) -> dict[str, str]:
    """Quantities that the document has, and the usual ones for those that it has not. ValueError
    for what is no quantity."""
    said = {name: str(each) for name, each in given.items()} if isinstance(given, dict) else {}
    own = {name: text for name, text in said.items() if quantities.parse(text) != 0}
    every = {**usual, **own}
    return {name: text for name, text in every.items() if quantities.parse(text) > 0}


def _is_upstreams(entry: Entry) -> bool:
    return _UPSTREAM.fullmatch(str(entry.get("image") or "")) is not None


def _missing(what: str, name: str) -> str:
    return f"failed to find {what}: {name} in ConfigMap: {_WHERE.name}"
