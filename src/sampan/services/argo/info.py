"""What the server says of itself and of its caller.

Upstream: argo-workflows server/info/info_server.go.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Mapping
from typing import Any

from sampan.services.argo.call import Call

_log = logging.getLogger(__name__)

UPSTREAM = "v4.1.2"
"""Whose API this is."""
_ACCOUNT = "system:serviceaccount:"


async def info(call: Call) -> Mapping[str, Any]:
    return {"modals": {"feedback": False, "firstTimeUser": False, "newVersion": False}}


async def version(call: Call) -> Mapping[str, Any]:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {
        "version": f"{UPSTREAM}+sampan",
        "buildDate": "1970-01-01T00:00:00Z",
        "gitCommit": "",
        "gitTag": UPSTREAM,
        "gitTreeState": "clean",
        "goVersion": "",
        "compiler": platform.python_implementation(),
        "platform": f"{platform.system().lower()}/{machine}",
    }


async def user(call: Call) -> Mapping[str, Any]:
    caller = call.caller
    found: dict[str, Any] = {"subject": caller.name, "name": caller.name}
    if caller.groups:
        found["groups"] = list(caller.groups)
    if "@" in caller.name:
        found["email"] = caller.name
    if caller.name.startswith(_ACCOUNT):
        namespace, _, account = caller.name.removeprefix(_ACCOUNT).partition(":")
        found |= {"serviceAccountName": account, "serviceAccountNamespace": namespace}
    return found


async def track(call: Call) -> Mapping[str, Any]:
    """Upstream's UI tells what is clicked; it is noted in the log at level debug."""
    _log.debug("event %r of %r", call.text("name"), call.caller.name)
    return {}
