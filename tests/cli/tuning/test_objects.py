"""A search as objects: Katib's admission takes them, and a trial gets what was chosen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sampan.cli.tuning import objects, space
from sampan.kinds.katib import types
from sampan.kinds.katib.admit import defaults, fields
from sampan.kinds.katib.types import Spec
from sampan.kube.errors import UserMistake


def search(**given: Any) -> objects.Search:
    usual: dict[str, Any] = {
        "name": "mine-x", "files": {"mine.py": "def f(x): return x"}, "file": "mine.py",
        "function": "f", "space": space.parse(["x=int(1,5)", "o=choice(a,b)", "epochs=3"]),
        "metric": "loss", "minimize": True, "trials": 20, "parallel": 4, "algorithm": "random",
        "settings": {"random_state": "1"}, "image": "python:3.11",
    }  # fmt: skip
    return objects.Search(**(usual | given))


def test_katib_takes_the_experiment() -> None:
    made = objects.experiment(search())
    defaults.fill(made)
    spec = types.read(made["spec"], Spec)
    found = [*fields.of_budget(spec), *fields.of_objective(spec.objective)]
    assert not [*found, *fields.of_parameters(spec)]
    assert spec.maxFailedTrialCount == 4
    assert objects.experiment(search(trials=2, parallel=2))["spec"]["maxFailedTrialCount"] == 2


def test_a_trial_gets_what_was_chosen() -> None:
    template = objects.experiment(search())["spec"]["trialTemplate"]
    (container,) = template["trialSpec"]["spec"]["template"]["spec"]["containers"]
    first, *others = container["env"]
    about = json.loads(first["value"])
    assert about["kinds"] == {"x": "int", "o": "str"}
    assert about["fixed"] == {"epochs": 3}
    assert [each["value"] for each in others] == ["${trialParameters.x}", "${trialParameters.o}"]
    assert container["command"][-1].endswith(objects.PROGRAM)
    assert objects.PROGRAM in objects.config_map(search())["data"]


def test_what_the_settings_speak_of_is_collected() -> None:
    settings = {
        "objectives": "loss:minimize, speed:maximize",
        "constraints": "memory <= 5",
        "when.x": "o in a",
    }
    spec = objects.experiment(search(algorithm="nsga-ii", settings=settings))["spec"]
    assert spec["objective"]["additionalMetricNames"] == ["speed", "memory"]
    pod = spec["trialTemplate"]["trialSpec"]["spec"]["template"]["spec"]
    assert json.loads(pod["containers"][0]["env"][0]["value"])["sometimes"] == ["x"]
    with pytest.raises(UserMistake, match='setting constraints: "memory" is no constraint'):
        objects.experiment(search(settings={"constraints": "memory"}))


def test_files_are_read_once_the_function_is_seen(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine.py", tmp_path / "other.py"
    mine.write_text("def f(x):\n  return x\n")
    other.write_text("from mine import f\n")
    assert list(objects.files(mine, "f", [other])) == ["mine.py", "other.py"]
    objects.files(other, "f", [])  # it is bound by an import
    for path, function, more, why in (
        (mine, "g", [], "has no g; it has f"),
        (tmp_path / "none.py", "f", [], "cannot be read"),
        (mine, "f", [mine], "same name"),
    ):
        with pytest.raises(UserMistake, match=why):
            objects.files(path, function, more)
    mine.write_text("def f(:")
    with pytest.raises(UserMistake, match="is no Python"):
        objects.files(mine, "f", [])
    mine.write_text("def f(): pass\n" + "#" * 1_000_000)
    with pytest.raises(UserMistake, match="1 MB"):
        objects.files(mine, "f", [])
