"""Outputs of containers with an image's own files: what they wrote, over what they were given."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from nodes.executor.makers import carried, ended, outputs, values
from registry import Registry

pytestmark = pytest.mark.skipif(not shutil.which("bwrap"), reason="images need bubblewrap")


@pytest.fixture
def busybox(docker_registry: Registry) -> str:
    return f"{docker_registry.name}/library/busybox"


@pytest.mark.parametrize("sandbox", ["bubblewrap", "namespaces"])
def test_outputs_are_found_in_the_image_as_it_was_changed(
    play: Any, busybox: str, sandbox: str
) -> None:
    template = outputs(
        new="/out.txt", given="/etc/passwd", link="/l", tmp="/tmp/x", gone="/etc/group"
    )
    template["outputs"]["parameters"][-1]["valueFrom"]["default"] = "none"
    command = "echo new > /out.txt; ln -s /etc/mine /l; echo mine > /etc/mine; echo t > /tmp/x"

    async def story(site: Any) -> None:
        await site.run(**carried(template, f"{command}; rm /etc/group", main={"image": busybox}))
        status = await site.finished()
        assert ended(status, "wait")["exitCode"] == 0, ended(status, "wait")
        found = values(site)
        assert found.pop("given").startswith("root:x:0:0")
        assert found == {"new": "new", "link": "mine", "tmp": "t", "gone": "none"}

    play(story, sandbox=sandbox)
