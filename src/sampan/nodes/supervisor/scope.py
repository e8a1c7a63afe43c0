"""A delegated cgroup from the user's own systemd: how somebody who is not root gets limits kept.

`systemd-run --user --scope -p Delegate=yes` runs a command in a group that we may divide. Only
where the user's systemd outlives the session (`loginctl enable-linger`): without that it would
end all pods at logout, which no limit is worth. Used by the control plane's side only.
"""

from __future__ import annotations

import getpass
import os
import shutil

_UNIFIED = "/sys/fs/cgroup/cgroup.controllers"
_LINGER = "/var/lib/systemd/linger"


def command() -> list[str]:
    """What to put before the supervisor's command line; [] where it would not help."""
    if not _helps() or not os.path.exists(f"{_LINGER}/{getpass.getuser()}"):
        return []
    return [
        "systemd-run", "--user", "--scope", "--quiet", "--collect",
        "--description=Sampan's pods", "--property=Delegate=yes", "--",
    ]  # fmt: skip


def advice() -> str:
    """What would give us cgroups here, if anything simple does."""
    if _helps() and not command():
        return "loginctl enable-linger: then Sampan asks your systemd for a cgroup of its own"
    return ""


def _helps() -> bool:
    return (
        os.geteuid() != 0
        and os.path.exists(_UNIFIED)
        and bool(os.environ.get("XDG_RUNTIME_DIR"))
        and shutil.which("systemd-run") is not None
    )
