"""Checkpoints: what one trial leaves for another one to go on from.

With the setting `suggestion_trial_dir` each trial has a directory of its own there: `folder` of the
claim of the algorithm, which is kept as long as the Suggestion. A trial with the label PARENT finds
in it what that trial left, which has ended by then. Who makes pods copies it before the program
begins; a pod that is made again for the same trial begins where the parent ended, too.

Upstream's algorithm copies the directories itself, since it runs where the claim is mounted
(pkg/suggestion/v1beta1/pbt). Here algorithms have no place, so the label is all they say.
"""

from __future__ import annotations

DIRECTORY = "suggestion_trial_dir"
"""The setting: where a trial's container finds its directory."""
LABELS = "pbt/"
"""How labels of trials begin that say where a trial comes from."""
PARENT = LABELS + "parent"
"""The label: the name of the trial whose directory is copied."""


def folder(experiment: str, trial: str) -> str:
    """The place of a trial in the claim."""
    return f"{experiment}/{trial}"
