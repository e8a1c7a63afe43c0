"""Re-expressed from upstream's file-metricscollector_test.go."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.kube import katib
from sampan.nodes.collector import lines
from sampan.nodes.collector.lines import Malformed
from sampan.nodes.executor.job import Failed

NEVER = katib.NEVER
PATTERN = r"{metricName: ([\w|-]+), metricValue: ((-?\d+)(\.\d+)?)}"
AT = "2024-03-04T17:55:08Z"


def read(text: str, *metrics: str, kind: str = "TEXT", filters: Any = ()) -> list[tuple[str, ...]]:
    form = lines.form(kind, metrics, filters)
    found = [log for line in text.split("\n") for log in form.read(line)]
    return [(log.time, log.metric, log.value) for log in found]


def test_filters_name_metrics_and_values() -> None:
    text = (
        f"{AT} INFO     {{metricName: accuracy, metricValue: 0.8078}};"
        "{metricName: loss, metricValue: 0.5183}\n"
        f"{AT} INFO     {{metricName: accuracy, metricValue: 100}}\n"
        f"{AT} INFO     {{metricName: accuracy, metricValue: -0.4759}}\n"
        "invalid INFO {metricName: loss, metricValue: 0.8671}"
    )
    assert read(text, "accuracy", "loss", filters=[PATTERN]) == [
        (AT, "accuracy", "0.8078"), (AT, "loss", "0.5183"), (AT, "accuracy", "100"),
        (AT, "accuracy", "-0.4759"), (NEVER, "loss", "0.8671"),
    ]  # fmt: skip


@pytest.mark.parametrize("value", [".333", "-.333", "- 345.333", "888.", "0.6752"])
def test_what_a_filter_does_not_find_is_not_there(value: str) -> None:
    line = f"{AT} INFO {{metricName: accuracy, metricValue: {value}"
    form = lines.form("TEXT", ["accuracy"], [PATTERN])
    assert form.read(line) == []
    assert form.missing().endswith(f'no filter finds it in line 1 "{line}"')


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("loss=0.3", ["0.3"]),
        ("accuracy loss = .98", [".98"]),
        ("loss=-7.53e-05 loss=+1.23E10", ["-7.53e-05", "+1.23E10"]),
        ("loss=1loss=2", ["1", "2"]),
        ("loss=nan", [""]),
        ("loss==3", [""]),
        ("my-loss=3 loss\t=\t4", ["4"]),
        ("loss: 3", []),
    ],
)
def test_the_usual_filter_finds_equations(line: str, values: list[str]) -> None:
    assert [value for _, _, value in read(line, "loss")] == values


@given(st.text(alphabet="ab-|_= \t.0123eE+é\r", max_size=40))
def test_the_usual_filter_is_gos(line: str) -> None:
    pattern = re.compile(katib.DEFAULT_FILTER.replace(r"\s", r"[\t\n\f\r ]"), re.ASCII)
    expected = [(match[1], match[2]) for match in pattern.finditer(line)]
    assert list(lines._default(line)) == expected


def test_the_usual_filter_takes_time_that_grows_with_the_line() -> None:
    assert read("loss" * 500_000 + "=", "loss") == []
    assert len(read("loss=1 " * 100_000, "loss")) == 100_000


def test_objects_of_json_have_texts() -> None:
    text = """{"loss": "0.22", "timestamp": 1638422847.28721, "trial": "0"}
{"acc": "0.93", "timestamp": 1638422847.287801}
{"loss": "0.14", "timestamp": "2021-12-02T14:27:50.000035161Z"}
{"acc": "0.95", "timestamp": 1638422847}
{"loss": "0.10", "timestamp": "invalid"}
{"loss": 0.5}

{"loss": "0.1"}"""
    assert read(text, "acc", "loss", kind="JSON") == [
        ("2021-12-02T05:27:27.000028721Z", "loss", "0.22"),
        ("2021-12-02T05:27:27.000287801Z", "acc", "0.93"),
        ("2021-12-02T14:27:50.000035161Z", "loss", "0.14"),
        ("2021-12-02T05:27:27Z", "acc", "0.95"),
        (NEVER, "loss", "0.10"),
        (NEVER, "loss", "0.1"),
    ]


@pytest.mark.parametrize("line", ['"a": 1', "[]", "3", "[" * 100_000, "{"])
def test_a_line_that_is_no_object_is_malformed(line: str) -> None:
    with pytest.raises(Malformed, match="failed to parse the json object: line 1"):
        read(line, "loss", kind="JSON")


@given(st.floats(allow_nan=True, allow_infinity=True) | st.integers() | st.text() | st.none())
def test_any_time_is_one_or_none(value: Any) -> None:
    found = lines._time_of(value)
    assert found in (NEVER, value) or found.endswith("Z")


def test_a_number_in_json_is_no_text() -> None:
    form = lines.form("JSON", ["loss"], ())
    form.read('{"loss": 0.5}')
    assert form.missing().endswith('its value is no string in line 1 "{"loss": 0.5}"')


def test_the_first_line_without_a_number_is_said() -> None:
    form = lines.form("TEXT", ["loss"], ())
    for each in ("loss=1", "loss=nan", "loss="):
        form.read(each)
    assert form.why == 'loss is not a number in line 2 "loss=nan": no number follows'
    other = lines.form("TEXT", ["loss"], [r"(\w+)=(\w+)"])
    other.read("loss=inf")
    assert other.why == 'loss is not a number in line 1 "loss=inf": its value is "inf"'


def test_a_value_that_is_too_long_is_none() -> None:
    form = lines.form("JSON", ["loss"], ())
    value = "x" * lines.LONGEST
    assert [each.value for each in form.read(f'{{"loss": "{value}"}}')] == [value]
    assert form.read(f'{{"loss": "{value}x"}}') == []
    assert form.why.startswith(f"loss has more than {lines.LONGEST} characters in line 2")
    assert len(form.why) < 300


def test_a_line_that_is_too_long_for_a_filter_is_told_of() -> None:
    form = lines.form("TEXT", ["loss"], ["(\\w+)=(.*)"])
    assert form.read("loss=" + "x" * 5_000) == []
    assert 'too long for a filter like this is line 1 "loss=x' in form.missing()


def test_lines_without_metrics_are_counted() -> None:
    form = lines.form("TEXT", ["loss"], ())
    assert list(form.read_all("a\nb\n")) == []
    assert list(form.read_all("c")) == []
    assert [each.value for each in form.read_all("d\nloss=1\nloss=nan\n")] == ["1", ""]
    assert form.why.startswith("loss is not a number in line 6")


def test_architectures_are_no_numbers_and_none_is_missed() -> None:
    form = lines.form("TEXT", ["Best-Genotype"], [r"([\w-]+)=(Genotype.*)"])
    assert form.read("Best-Genotype=Genotype(normal=[])")[0].value == "Genotype(normal=[])"
    assert form.why == ""


@pytest.mark.parametrize(
    ("pattern", "said"),
    [("(a", "error parsing regexp"), (r"(\w+): ((\d+,?)+)", "repeats a repetition is not read")],
)
def test_a_filter_that_cannot_be_used_is_refused(pattern: str, said: str) -> None:
    with pytest.raises(Failed, match=said):
        lines.form("TEXT", ["loss"], [pattern])
