"""Conditions as the SDK writes them, and what is no condition."""

from __future__ import annotations

import pytest

from kinds.pipelines.ir.making import artifact
from sampan.kinds.pipelines.ir import language
from sampan.kinds.pipelines.ir.expressions import holds
from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.kinds.pipelines.ir.resolve import Values

INPUTS = Values(
    {"type": "foo", "num": 1, "half": 0.5, "yes": True, "list": [1, 2], "many": [0] * 500},
    {"model": (artifact("model", metadata={"accuracy": 0.95}),)},
)


def x(name: str) -> str:
    return f"inputs.parameter_values['{name}']"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (f"{x('type')} == 'foo'", True),
        (f"{x('type')} == 'foo2'", False),
        (f"{x('num')} == 1", True),
        (f"int({x('num')}) == 1", True),
        (f"int({x('num')}) > 0 && int({x('num')}) <= 1", True),
        (f"{x('half')} < 1.0", True),
        (f"{x('half')} >= double({x('num')})", False),
        (f"{x('half')} < 1", True),
        (f"{x('yes')} == true", True),
        (f"!({x('type')} == 'foo') && {x('num')} == 2", False),
        (f"!({x('type')} == 'bar')", True),
        (f"{x('list')}[1] == 2", True),
        (f"{x('num')} + 1.0 == 2.0", True),
        ("parseJson('{\"a\": [1]}').a[0] == 1", True),
        ("inputs.artifacts['model'].artifacts[0].metadata['accuracy'] * 100.0 > 90.0", True),
        ("inputs.artifacts['model'].artifacts[0].metadata['accuracy'] * 100.0 <= 90.0", False),
    ],
)
def test_conditions(condition: str, expected: bool) -> None:
    assert holds(condition, INPUTS) is expected


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        pytest.param(f"{x('type')} == 'it's'", "Syntax error", id="quote"),
        pytest.param(f"{x('absent')} == 'x'", "no such key", id="key"),
        pytest.param(x("type"), "return type is not bool, got foo", id="text"),
        pytest.param(f"{x('type')} > 3", "evaluation error", id="types"),
        pytest.param("", "Syntax error", id="empty"),
        pytest.param("run('rm')", "undeclared reference", id="function"),
        pytest.param("1 == " * 50_000 + "1", "longer than 100000 characters", id="long"),
        pytest.param("(" * 5000 + "true" + ")" * 5000, "recursion limit exceeded", id="deep"),
        pytest.param("parseJson('[') == 1", "failed to unmarshal JSON", id="json"),
        pytest.param(f"{x('many')}.all(a, {x('many')}.all(b, {x('many')}.all(c, a < 9.0)))",
                     "evaluation error", id="dear"),
    ],
)  # fmt: skip
def test_what_is_no_condition_fails_the_task(condition: str, message: str) -> None:
    with pytest.raises(Unresolved) as caught:
        holds(condition, INPUTS)
    assert message in caught.value.message


def test_a_value_is_never_part_of_the_expression() -> None:
    inputs = Values({"p": "z' or 'x'=='x"})
    assert not holds(f"{x('p')} == 'y'", inputs)


@pytest.mark.parametrize(
    ("value", "selector", "expected"),
    [
        ("Hello", "string_value", "Hello"),
        ("[1.5,2]", "parseJson(string_value)[0]", 1.5),
        (None, "string_value", ""),
        ({"a": "A"}, "struct_value.a", "A"),
        ({"n": {"b": [1, None]}}, "struct_value.n", {"b": [1, None]}),
        ({"n": 2}, "parseJson(string_value).n", 2),
        ([1, 2], "list_value[1] > 1.0", True),
        (True, "string_value", "true"),
    ],
)
def test_selectors(value: object, selector: str, expected: object) -> None:
    assert language.selected(value, selector) == expected
