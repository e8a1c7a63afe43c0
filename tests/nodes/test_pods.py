"""Pods from creation to result, with real processes in real sandboxes."""

from __future__ import annotations

from typing import Any


def test_a_pod_runs_to_success(play: Any) -> None:
    async def story(site: Any) -> None:
        said = await site.output("echo hello; hostname; id -u")
        assert said == "hello\np\n0\n"
        state = site.status()["containerStatuses"][0]
        assert state["state"]["terminated"]["reason"] == "Completed"
        assert state["restartCount"] == 0

    play(story)
