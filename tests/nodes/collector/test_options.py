from __future__ import annotations

import pytest

from sampan.nodes.collector import options
from sampan.nodes.collector.options import Rule
from sampan.nodes.executor.job import Failed


def test_flags_are_those_of_upstreams_images() -> None:
    found = options.read(
        [
            "-t", "t-1", "-m", "a;b", "-o-type", "maximize", "-s-db", "host:1", "-path", "/m/log",
            "-format=JSON", "-f", "(a);(b)", "-w", "false", "-stop-rule", "a;0.5;less;3",
            "--stop-rule=b;1;greater;0", "-s-earlystop", "host:2",
        ]
    )  # fmt: skip
    assert (found.trial, found.metrics, found.objective) == ("t-1", ("a", "b"), "maximize")
    assert (found.path, found.form, found.filters) == ("/m/log", "JSON", ("(a)", "(b)"))
    assert not found.waits_for_all
    assert found.rules == (Rule("a", "0.5", "less", 3), Rule("b", "1", "greater", 0))


def test_nothing_needs_to_be_said() -> None:
    found = options.read([])
    assert (found.metrics, found.form, found.waits_for_all) == ((), "", True)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["-x", "1"], "flag provided but not defined: -x"),
        (["-t"], "flag needs an argument: -t"),
        (["word"], "unexpected argument: word"),
        (["-format", "XML"], "format must be set TEXT or JSON"),
        (["-stop-rule", "a;b"], "Invalid Early Stopping rule: a;b"),
        (["-stop-rule", "a;x;less;1"], "could not convert"),
        (["-stop-rule", "a;1;less;x"], "invalid literal"),
    ],
)
def test_what_nobody_understands_is_refused(args: list[str], said: str) -> None:
    with pytest.raises(Failed, match=said) as failed:
        options.read(args)
    assert failed.value.code == options.USAGE
