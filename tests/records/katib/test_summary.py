"""Min, max and latest of a log, and times as they are written."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.kube.searching import Metric
from sampan.records.katib import summary
from sampan.records.katib.log import micros, written


@pytest.mark.parametrize(
    ("values", "found"),
    [
        pytest.param(["2", "10", "9"], ("2", "10", "9"), id="by number"),
        pytest.param(["1.0", "1.00"], ("1.0", "1.0", "1.00"), id="the first of equals"),
        pytest.param(["nan", "1"], ("1", "1", "1"), id="NaN first"),
        pytest.param(["1", "NaN"], ("1", "1", "NaN"), id="NaN last"),
        pytest.param([""], ("unavailable", "unavailable", ""), id="nothing"),
        pytest.param(["unavailable"], ("unavailable",) * 3, id="unavailable"),
        pytest.param(["1", "unavailable"], ("1", "1", "1"), id="unavailable to one of several"),
        pytest.param(["Genotype()", "3"], ("3", "3", "3"), id="a text"),
        pytest.param(["-Inf", "+infinity", "0"], ("-Inf", "+infinity", "0"), id="infinite"),
        pytest.param(["1e999", "1"], ("1", "1", "1"), id="out of range"),
        pytest.param(["1_0", " 2", "٣", "0"], ("0", "0", "0"), id="Python's own numbers"),
        pytest.param([".5", "5.", "-1e-3"], ("-1e-3", "5.", "-1e-3"), id="forms"),
    ],
)
def test_of_the_values_of_a_metric(values, found):
    least, greatest, latest = found
    expected = Metric(name="m", min=least, max=greatest, latest=latest)
    assert summary.of(("m", value) for value in values) == {"m": expected}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(allow_nan=False)), min_size=1))
def test_it_is_one_of_those_that_were_reported(log):
    for name, metric in summary.of((name, repr(value)) for name, value in log).items():
        values = [value for each, value in log if each == name]
        assert float(metric.min) == min(values)
        assert float(metric.max) == max(values)
        assert metric.latest == repr(values[-1])


@given(st.text())
def test_whatever_is_no_number_is_none(text):
    found = summary.number(text)
    assert found is None or not math.isnan(found)


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.500+01:00", "2026-01-02T02:04:05.5Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456Z"),
    ],
)
def test_times_are_written_as_upstream_s(text, again):
    assert written(micros(text)) == again


@pytest.mark.parametrize("text", ["", "1", "2026-01-02", "0001-01-01T00:00:00+01:00", "x" * 9999])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011
        micros(text)
