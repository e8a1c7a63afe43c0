"""Derive src/sampan/kinds/*/crds.json.xz from the collected facts: `derive_crds.py FACTS`.

FACTS is crds.json.xz with `{name: {"source", "spec"}}`: the specs of upstream's CRDs without their
descriptions. Each package gets the kinds that it serves. Equal parts are stored once (see
sampan/kinds/workflows/crds.py). One thing is changed: optional fields may be null, because the
CRDs that Argo is usually installed with keep any field, Go reads null as absent, and people write
`annotations:` with nothing behind it. Run once, when upstream changes.
"""

from __future__ import annotations

import json
import lzma
import sys
from pathlib import Path
from typing import Any

PACKAGES = {"workflows": ["workflows.argoproj.io"]}
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
            "spec": nullable(facts[name]["spec"]),
        }
        for name in names
    ]
    counts = count(crds, {})
    return {"crds": shared(crds, counts, parts, places), "parts": parts}


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
