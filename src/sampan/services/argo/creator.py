"""Labels that say who created an object and who acted on it last, from the caller's identity.

Whatever an object says of it already is taken away: nobody creates in another's name.
Upstream: argo-workflows workflow/creator.
"""

from __future__ import annotations

import re
from typing import Any

from sampan.kube import names
from sampan.kube.keys import Manifest
from sampan.services.argo.call import Caller

_OTHER = re.compile(r"[^-_.a-zA-Z0-9]")
_ENDS = re.compile(r"^[^a-zA-Z0-9]*|[^a-zA-Z0-9]*$")


def created(manifest: Manifest, caller: Caller) -> Manifest:
    """The manifest with the labels of its creator."""
    return _labelled(manifest, _who(caller, names.LABEL_CREATOR), names.LABEL_CREATOR)


def acted(manifest: Manifest, caller: Caller, action: str) -> Manifest:
    """The manifest with the labels of who changed it last, and how."""
    return _labelled(manifest, actor(caller, action), names.LABEL_ACTOR)


def actor(caller: Caller, action: str) -> dict[str, str]:
    return {**_who(caller, names.LABEL_ACTOR), names.LABEL_ACTION: action}


def label_value(text: str) -> str:
    """What of a name may stand in a label: its last 63 characters, others than letters replaced."""
    return _ENDS.sub("", _OTHER.sub("-", text)[-63:])


def _who(caller: Caller, key: str) -> dict[str, str]:
    found = {key: label_value(caller.name)}
    if "@" in caller.name:
        found[f"{key}-email"] = label_value(caller.name.replace("@", ".at.", 1))
    return found


def _labelled(manifest: Manifest, labels: dict[str, str], key: str) -> Manifest:
    meta: dict[str, Any] = manifest.get("metadata") or {}
    former = meta.get("labels")
    if former is not None and not isinstance(former, dict):
        return manifest  # which the API server refuses in its own words
    stale = {key, f"{key}-email", f"{key}-preferred-username", names.LABEL_ACTION}
    kept = {name: value for name, value in (former or {}).items() if name not in stale}
    return {**manifest, "metadata": {**meta, "labels": {**kept, **labels}}}
