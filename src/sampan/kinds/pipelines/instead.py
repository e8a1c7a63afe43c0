"""What becomes of a task when the cluster refuses for good what it needs.

A pod or claim that may not be made (an admission rule says no, a service account is not there)
fails its task, and the run goes on as after any failure. A quota that is used up is no such thing:
there may be room later.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sampan.kinds.pipelines import status, tasks
from sampan.kinds.pipelines.snapshot import Run
from sampan.kinds.pipelines.tasks import Entry
from sampan.kube import meta, names
from sampan.kube.plan import Action, Create, Patch


class Instead(Struct, frozen=True):
    """For `Plan.instead`. made: the entries that the look changed, none of which is written."""

    run: Run
    made: Mapping[str, Entry]

    def __call__(self, action: Action, message: str) -> list[Action]:
        if not isinstance(action, Create):
            return []
        path = meta.annotations_of(action.manifest).get(names.ANNOTATION_TASK_PATH)
        if path is None:
            return [self._without_workspace(message)]
        entry = self.made.get(path)
        if entry is None or tasks.over(entry):
            return []
        failed = tasks.turned(entry, "FAILED", self.run.now, message)
        return [self._merged({"tasks": {path: failed}})]

    def _without_workspace(self, message: str) -> Patch:
        said = status.of_state(self.run, "FAILED", f"failed to create the workspace: {message}")
        return self._merged(said)

    def _merged(self, said: Mapping[str, object]) -> Patch:
        """A merge patch: several of them may be made of one look."""
        about = {"uid": meta.uid_of(self.run.manifest)}
        return Patch(self.run.key, {"metadata": about, "status": said}, "status")
