"""Who a container runs as."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.nodes.facts import ConfigError
from sampan.nodes.images.users import Identity, identity

FILES = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/srv/web:/bin/sh\nbroken\n"
    "huge:x:99999999999:1::/:/bin/sh\n",
    "/etc/group": "root:x:0:\nstaff:x:50:web\nbad:x:many:\n",
}


def read(path: str) -> str:
    return FILES.get(path, "")


@pytest.mark.parametrize(
    ("user", "pod", "container", "expected"),
    [
        ("", {}, {}, Identity(0, 0, "/root")),
        ("web", {}, {}, Identity(33, 34, "/srv/web")),
        ("33", {}, {}, Identity(33, 34, "/srv/web")),
        ("web:staff", {}, {}, Identity(33, 50, "/srv/web")),
        ("1000:1000", {}, {}, Identity(1000, 1000)),
        ("4711", {}, {}, Identity(4711, 0)),
        ("web", {"runAsUser": 0}, {}, Identity(0, 0, "/root")),
        ("web", {"runAsUser": 5}, {"runAsUser": 6}, Identity(6, 0)),
        ("", {"runAsGroup": 7}, {}, Identity(0, 7, "/root")),
        ("33", {"runAsNonRoot": True}, {}, Identity(33, 34, "/srv/web")),
        ("", {"runAsNonRoot": True}, {"runAsNonRoot": False}, Identity(0, 0, "/root")),
    ],
)
def test_the_pod_wins_over_the_image(
    user: str, pod: dict[str, Any], container: dict[str, Any], expected: Identity
) -> None:
    spec = {"securityContext": pod}
    assert identity(spec, {"securityContext": container}, user, read) == expected


@pytest.mark.parametrize(
    ("user", "context", "message"),
    [
        ("", {"runAsNonRoot": True}, "image will run as root"),
        ("web", {"runAsNonRoot": True}, r"non-numeric user \(web\)"),
        ("", {"runAsNonRoot": True, "runAsUser": 0}, "breaks non-root policy"),
        ("nobody", {}, "unable to find user nobody"),
        ("huge", {}, "unable to find user huge"),
        ("99999999999", {}, "unable to find user"),
        ("web:crew", {}, "unable to find group crew"),
        ("web:bad", {}, "unable to find group bad"),
    ],
)
def test_what_must_not_run_says_why(user: str, context: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        identity({}, {"securityContext": context}, user, read)


def test_without_an_image_root_it_is() -> None:
    assert identity({}, {}) == Identity(0, 0)
