"""Derive src/sampan/kinds/*/crds.json.xz from the collected facts: `derive_crds.py FACTS`.

FACTS is crds.json.xz with `{name: {"source", "spec"}}`: the specs of upstream's CRDs without their
descriptions. Each package gets the kinds that it serves. Equal parts are stored once (see
sampan/kinds/workflows/crds.py). Five things are changed, each because Argo's minimal CRDs, which
many clusters have, are more generous than these full ones: optional fields may be null (Go reads
null as absent, and people write `annotations:` with nothing behind it), a mount may lack its path
(Go's clients write "", and the pod is refused later); a dag and a workflow may have any number of
tasks and templates (admission warns beyond upstream's limit); values of parameters may be numbers
and booleans, as Argo's own clients send them; and the fields that Argo 4 renamed are known by their
old names too (admission rewrites them). Run once, when upstream changes.
"""

from __future__ import annotations

import json
import lzma
import sys
from pathlib import Path
from typing import Any

PACKAGES = {
    "workflows": [
        f"{plural}.argoproj.io"
        for plural in (
            "workflows", "workflowtemplates", "clusterworkflowtemplates", "cronworkflows",
            "workfloweventbindings", "workflowtasksets", "workflowtaskresults",
            "workflowartifactgctasks",
        )
    ]
}  # fmt: skip
OLD_NAMES = {
    "schedules": ("schedule", {"type": "string"}),
    "mutexes": ("mutex", None),
    "semaphores": ("semaphore", None),
    "podPriorityClassName": ("podPriority", {"format": "int32", "type": "integer"}),
}
"""By its name now: what a field was called, and its schema; None for one item of the list."""
UNBOUNDED = {"tasks", "templates"}
SHORTEST = 60
"""Parts of fewer characters are cheaper written out."""
SOURCES = Path(__file__).parent.parent / "src" / "sampan" / "kinds"


def packed(facts: dict[str, Any], names: list[str]) -> dict[str, Any]:
    parts: list[Any] = []
    places: dict[str, int] = {}
    crds = [
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": name},
            "spec": nullable(generous(opened(facts[name]["spec"]))),
        }
        for name in names
    ]
    counts = count(crds, {})
    return {"crds": shared(crds, counts, parts, places), "parts": parts}


def opened(spec: Any) -> Any:
    """A WorkflowTaskSet keeps whatever stands in its tasks, as with the minimal CRD: the full one
    describes the steps of a template wrongly, and only controllers write it."""
    if spec["names"]["kind"] == "WorkflowTaskSet":
        schema = spec["versions"][0]["schema"]["openAPIV3Schema"]
        properties = schema["properties"]["spec"]["properties"]
        kept = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        properties["tasks"] = {"type": "object", "additionalProperties": kept}
    return spec


def generous(value: Any) -> Any:
    """The schema with the old names of fields, and without limits that only full CRDs have."""
    if isinstance(value, list):
        return [generous(each) for each in value]
    if not isinstance(value, dict):
        return value
    new = {key: generous(each) for key, each in value.items()}
    properties = value.get("properties")
    if isinstance(properties, dict) and value.get("type") == "object":
        if {"mountPath", "subPathExpr"} <= properties.keys():
            new["properties"]["mountPath"] = {"type": "string", "default": ""}
            new["required"] = ["name"]
        if {"globalName", "valueFrom"} <= properties.keys():
            _take_any_scalar(new["properties"])
        for name in OLD_NAMES.keys() & properties.keys():
            old, schema = OLD_NAMES[name]
            new["properties"][old] = schema or new["properties"][name]["items"]
            new["required"] = [each for each in new.get("required") or () if each != name]
        for name in UNBOUNDED & properties.keys():
            new["properties"][name].pop("maxItems", None)
        if not new.get("required"):
            new.pop("required", None)
    return new


def _take_any_scalar(parameter: dict[str, Any]) -> None:
    """A value may be a number or a boolean: upstream's AnyString makes a text of it."""
    anything = {"x-kubernetes-preserve-unknown-fields": True}
    source = parameter["valueFrom"]["properties"]
    for properties, field in ((parameter, "value"), (parameter, "default"), (source, "default")):
        properties[field] = dict(anything)
    parameter["enum"]["items"] = dict(anything)


def nullable(value: Any) -> Any:
    """The schema with each optional property allowed to be null."""
    if isinstance(value, list):
        return [nullable(each) for each in value]
    if not isinstance(value, dict):
        return value
    new = {key: nullable(each) for key, each in value.items()}
    properties = value.get("properties")
    if isinstance(properties, dict) and value.get("type") == "object":
        required = value.get("required") or ()
        new["properties"] = {
            name: {**each, "nullable": True} if name not in required else each
            for name, each in new["properties"].items()
        }
    return new


def count(value: Any, counts: dict[str, int]) -> dict[str, int]:
    """How often each object occurs, by its text."""
    if isinstance(value, dict):
        text = json.dumps(value, sort_keys=True)
        counts[text] = counts.get(text, 0) + 1
        if counts[text] == 1:
            for each in value.values():
                count(each, counts)
    elif isinstance(value, list):
        for each in value:
            count(each, counts)
    return counts


def shared(value: Any, counts: dict[str, int], parts: list[Any], places: dict[str, int]) -> Any:
    """The value with repeated objects replaced by references into `parts`."""
    if isinstance(value, list):
        return [shared(each, counts, parts, places) for each in value]
    if not isinstance(value, dict):
        return value
    text = json.dumps(value, sort_keys=True)
    if text in places:
        return {"$": places[text]}
    new = {key: shared(each, counts, parts, places) for key, each in value.items()}
    if counts[text] < 2 or len(text) < SHORTEST:
        return new
    parts.append(new)
    places[text] = len(parts) - 1
    return {"$": places[text]}


def main() -> None:
    facts = json.loads(lzma.decompress(Path(sys.argv[1]).read_bytes()))
    for package, names in PACKAGES.items():
        text = json.dumps(packed(facts, names), separators=(",", ":"))
        place = SOURCES / package / "crds.json.xz"
        place.write_bytes(lzma.compress(text.encode(), preset=9))
        print(f"{place}: {place.stat().st_size} bytes")


if __name__ == "__main__":
    main()
