"""The text form of Prometheus."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.lib import exposition
from sampan.lib.exposition import Malformed, Sample, Series
from sampan.lib.prometheus import Mixed

TEXT = r"""
# HELP loss What is left.
# TYPE loss gauge
loss 0.25
loss_total 3 1395066363500
loss_total_created 1.7e9
test_loss{split="test",path="C:\\a\"b\n"} 1e-05
test_loss{ split = "train" , } NaN
speed{} +Inf # {trace="x"} 1
# EOF
"""


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("loss", [("0.25", None)]),
        ("loss_total", [("3", 1395066363.5)]),
        ("test_loss", [("1e-05", None), ("NaN", None)]),
        ('test_loss{split="test"}', [("1e-05", None)]),
        (r'test_loss{path="C:\\a\"b\n"}', [("1e-05", None)]),
        ('test_loss{split="other"}', []),
        ("speed", [("+Inf", None)]),
        ("los", []),
    ],
)
def test_samples_of_a_series(asked: str, found: list[tuple[str, float | None]]) -> None:
    wanted = exposition.series(asked)
    read = exposition.samples(TEXT, [wanted.name])
    assert [(each.value, each.time) for each in read if wanted.finds(each.series)] == found


def test_names_are_listed() -> None:
    assert list(dict.fromkeys(exposition.served(TEXT))) == [
        "loss", "loss_total", "loss_total_created", "test_loss", "speed"
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "1a", "a b", "a{", 'a{b="c"', "a{b=c}", 'a{b="c"}d', "ä"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        exposition.series(text)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("loss", "no value follows the name"),
        ("loss much", '"much" is no number'),
        ('loss{a="b" 1', "the labels have no end"),
        ("loss 1 2 3", "no value follows the name"),
    ],
)
def test_what_is_no_sample_is_said_with_its_line(line: str, said: str) -> None:
    with pytest.raises(Malformed, match="line 2") as caught:
        list(exposition.samples(f"other ?\n{line}\n", ["loss"]))
    assert said in str(caught.value)


NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True)
LABELS = st.dictionaries(NAMES, st.text(max_size=5)).map(lambda found: tuple(found.items()))


@given(NAMES, st.dictionaries(LABELS, st.floats(), max_size=3))
def test_what_is_written_is_read(
    name: str, written: dict[tuple[tuple[str, str], ...], float]
) -> None:
    text = "\n".join(Mixed(name, "", "gauge", written).lines())
    found = {each.series.labels: float(each.value) for each in exposition.samples(text, [name])}
    assert found.keys() == written.keys()
    for labels, value in written.items():
        assert found[labels] == value or math.isnan(value)


@given(st.text(alphabet='a{}="\\,\n 1#', max_size=60))
def test_nonsense_is_read_or_malformed(text: str) -> None:
    try:
        for each in exposition.samples(text, ["a"]):
            assert isinstance(each, Sample)
            assert each.series.finds(each.series)
    except Malformed:
        pass


def test_a_series_is_said_as_it_is_served() -> None:
    assert str(Series("a", (("b", "c"), ("d", "e")))) == 'a{b="c",d="e"}'
