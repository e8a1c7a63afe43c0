from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.search.searching import choice, discrete, double, integer, parameters
from sampan.lib.search import space
from sampan.lib.search.problem import Parameter, Refused
from sampan.lib.search.space import Axis, Space

places = st.floats(0, 1)


def texts(axis: Axis, count: int = 1000) -> list[str]:
    return [axis.text((number + 0.5) / count) for number in range(count)]


def test_steps_count_from_the_minimum_in_decimals() -> None:
    axis = Axis(double("momentum", 0.5, 1.0, step=0.1))
    assert list(dict.fromkeys(texts(axis))) == ["0.5", "0.6", "0.7", "0.8", "0.9", "1.0"]


def test_a_step_that_does_not_divide_the_range_ends_before_its_end() -> None:
    axis = Axis(double("x", 1, 5, step=1.5))
    assert list(dict.fromkeys(texts(axis))) == ["1.0", "2.5", "4.0"]


def test_whole_numbers_are_equally_likely_with_those_at_the_ends() -> None:
    found = texts(Axis(integer("layers", 1, 4)), 400)
    assert {text: found.count(text) for text in found} == {"1": 100, "2": 100, "3": 100, "4": 100}


def test_a_fraction_is_no_step_of_whole_numbers() -> None:
    assert Axis(integer("n", 1, 3, step=0.01)).levels == 3


def test_logarithms_are_drawn_evenly() -> None:
    found = [float(text) for text in texts(Axis(double("lr", 1e-4, 1, distribution="logUniform")))]
    assert sum(each < 1e-2 for each in found) == 500


def test_a_normal_distribution_has_a_sixth_of_the_range_as_deviation() -> None:
    axis = Axis(double("x", 0, 6, distribution="normal"))
    assert float(axis.text(0.5)) == pytest.approx(3)
    assert float(axis.text(0.8413447460685429)) == pytest.approx(4)


def test_a_normal_distribution_is_not_cut_at_the_ends() -> None:
    assert float(Axis(double("x", 0, 6, distribution="normal")).text(0.0)) < 0


def test_discrete_numbers_are_ordered_by_value() -> None:
    axis = Axis(discrete("batch", "64", "8", "128"))
    assert axis.ordered
    assert list(dict.fromkeys(texts(axis))) == ["8", "64", "128"]


def test_discrete_texts_have_no_order() -> None:
    assert not Axis(discrete("x", "8", "many")).ordered


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        pytest.param(double("x", 2, 1), "parameter x: min is above max", id="ends"),
        pytest.param(Parameter(name="x", kind="int", min=1), "it needs min and max", id="no-max"),
        pytest.param(double("x", 0, 1, step=-1), "its step is below 0", id="step"),
        pytest.param(double("x", 0, 1, distribution="logUniform"), "needs min above 0", id="log"),
        pytest.param(choice("x"), "its list is empty", id="no-choice"),
        pytest.param(choice("x", "a", when=("y", ("b",))), "there is no parameter y", id="orphan"),
        pytest.param(choice("x", "a", when=("x", ("a",))), "depends on itself", id="circle"),
    ],
)
def test_parameters_that_are_none_are_refused(bad: Parameter, said: str) -> None:
    with pytest.raises(Refused, match=said):
        Space((bad,))


def test_two_parameters_of_one_name_are_refused() -> None:
    with pytest.raises(Refused, match="Detect duplicated parameter name: x"):
        Space((double("x", 0, 1), integer("x", 0, 1)))


def test_a_parameter_is_left_out_where_its_parent_has_another_value() -> None:
    kernel = choice("kernel", "rbf", "linear")
    gamma = double("gamma", 0, 1, when=("kernel", ("rbf",)))
    decay = double("decay", 0, 1, step=1, when=("gamma", ("0.5",)))
    searched = Space((decay, gamma, kernel))
    assert searched.assigned([0.1, 0.5, 0.1]) == {"decay": "0.0", "gamma": "0.5", "kernel": "rbf"}
    assert searched.assigned([0.1, 0.6, 0.1]) == {"gamma": "0.6", "kernel": "rbf"}
    assert searched.assigned([0.1, 0.5, 0.9]) == {"kernel": "linear"}


@pytest.mark.parametrize(
    ("values", "has"),
    [
        ({"kernel": "rbf", "gamma": "0.5", "n": "3"}, True),
        ({"kernel": "linear", "n": "3"}, True),
        ({"kernel": "linear", "gamma": "0.5", "n": "3"}, False),
        ({"kernel": "rbf", "n": "3"}, False),
        ({"kernel": "poly", "n": "3"}, False),
        ({"kernel": "linear", "n": "3", "more": "1"}, False),
        ({"kernel": "rbf", "gamma": "1.5", "n": "3"}, False),
        ({"kernel": "rbf", "gamma": "nan", "n": "3"}, False),
        ({"kernel": "linear", "n": "2.5"}, False),
        ({"kernel": "linear", "n": "two"}, False),
        ({}, False),
    ],
)
def test_what_is_a_point_of_a_space(values: dict[str, str], has: bool) -> None:
    kernel = choice("kernel", "rbf", "linear")
    gamma = double("gamma", 0, 1, when=("kernel", ("rbf",)))
    assert Space((gamma, kernel, integer("n", 1, 9))).has(values) is has


def test_a_normal_distribution_has_no_ends() -> None:
    assert Space((double("x", 0, 1, distribution="normal"),)).has({"x": "7"})


@given(
    parameters(distributions=("uniform", "logUniform")), st.lists(places, min_size=4, max_size=4)
)
def test_what_is_drawn_is_a_point(given: tuple[Parameter, ...], point: list[float]) -> None:
    searched = Space(given)
    assert searched.has(searched.assigned(point[: len(given)]))


@given(parameters(stepped=True, distributions=("uniform", "logUniform")))
def test_the_points_of_a_space_are_all_of_it(given: tuple[Parameter, ...]) -> None:
    searched = Space(given)
    axis = searched.axes[-1]
    count = min(searched.size, axis.levels)
    found = {searched.assigned(searched.point(number))[axis.name] for number in range(count)}
    assert len(found) == count


@given(
    parameters(distributions=("uniform", "logUniform")), st.lists(places, min_size=4, max_size=4)
)
def test_every_place_stands_for_a_value_of_the_space(
    given: tuple[Parameter, ...], point: list[float]
) -> None:
    assigned = Space(given).assigned(point[: len(given)])
    for each in given:
        inside(each, assigned[each.name])


def inside(parameter: Parameter, text: str) -> None:
    if parameter.choices:
        assert text in parameter.choices
        return
    assert parameter.min is not None
    assert parameter.max is not None
    value = int(text) if parameter.kind == "int" else float(text)
    assert parameter.min <= value <= parameter.max
    if parameter.step:
        steps = (value - parameter.min) / parameter.step
        assert math.isclose(steps, round(steps), abs_tol=1e-6)


def test_the_same_space_is_made_once() -> None:
    assert space.of((double("x", 0, 1),)) is space.of((double("x", 0, 1),))


def test_a_range_too_narrow_for_logarithms_is_searched_without() -> None:
    about = integer("n", 10**15, 10**15 + 1, distribution="logUniform")
    (axis,) = space.of((about,)).axes
    assert {axis.text(axis.cell(level)) for level in range(2)} == {str(10**15), str(10**15 + 1)}


def test_an_axis_takes_what_is_in_its_range() -> None:
    number, word = space.of((double("x", 0, 1), choice("c", "a", "b"))).axes
    assert [number.takes(each) for each in ("0", "0.5", "1.1", "nan", "x", None)] == [
        True, True, False, False, False, False
    ]  # fmt: skip
    assert [word.takes(each) for each in ("a", "c", None)] == [True, False, False]
    (wide,) = space.of((double("x", 0, 1, distribution="normal"),)).axes
    assert wide.takes("1.1")
    assert not wide.takes("inf")
