from __future__ import annotations

from sampan.kube import argoexec

SCRIPT = "python a.py && echo completed"


def test_the_emissary_comes_out_of_a_shells_script() -> None:
    inside = f"{' '.join(argoexec.EMISSARY)} {SCRIPT}"
    found = argoexec.outermost({"name": "main", "command": ["sh", "-c"], "args": [inside]})
    assert found == {
        "name": "main",
        "command": [*argoexec.EMISSARY, "sh", "-c"],
        "args": [SCRIPT],
    }
    assert argoexec.unwrapped(list(found["command"])) == ["sh", "-c"]


def test_other_containers_stay_as_they_are() -> None:
    for given in (
        {"name": "a"},
        {"command": ["sh", "-c"], "args": [SCRIPT]},
        {"command": [*argoexec.EMISSARY, "sh", "-c"], "args": [SCRIPT]},
        {"command": ["sh", "-c", "x"], "args": []},
    ):
        assert argoexec.outermost(given) is given
