"""Tags and expressions in texts."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.kinds.workflows.language import expressions, tags
from sampan.kinds.workflows.language.faults import Missing

KNOWN: dict[str, Any] = {
    "a": "1",
    "b.c": "two",
    "x1": "in",
    "quote": 'he said "{{a}}"\n',
    "gone": None,
    "file": {"s3": {"key": "k"}},
    "inputs.parameters": "[]",
    "inputs.parameters.n": "5",
    "inputs.parameters.json": '{"employees": [{"name": "A", "age": 43}, {"name": "B", "age": 1}]}',
    "tasks.a-b.outputs.result": "done",
    "tasks.a-b.status": "Failed",
    "workflow.name": "wf",
    "steps.s.outputs.artifacts.f": {"s3": {"key": "k"}},
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        pytest.param("{{a}}", "1", id="alone"),
        pytest.param("<{{ a }}{{b.c}}>", "<1two>", id="two-and-spaces"),
        pytest.param("{{unknown}}", "{{unknown}}", id="unknown-stays"),
        pytest.param("{{x{{a}}}}", "in", id="inner-first"),
        pytest.param("{{y{{a}}}}", "{{y1}}", id="inner-of-an-unknown"),
        pytest.param("{{quote}}", 'he said "{{a}}"\n', id="values-are-not-read-again"),
        pytest.param("{{a", "{{a", id="not-closed"),
        pytest.param("{{ {{a}} and {{b.c}}", "{{ 1 and two", id="the-first-not-closed"),
        pytest.param("}}{{a}}", "}}1", id="closed-too-often"),
        pytest.param("{{}}", "{{}}", id="empty"),
        pytest.param("{{file}}", "{{file}}", id="an-artifact-is-no-text"),
        pytest.param("{{=a}}", "1", id="expression"),
        pytest.param("{{= inputs.parameters.n + '0' }}", "50", id="nested-name"),
        pytest.param("{{=asInt(inputs.parameters.n) + 1}}", "6", id="number"),
        pytest.param("{{=asFloat(inputs.parameters.n) / 2}}", "2.5", id="float"),
        pytest.param("{{=asInt(inputs.parameters.n) == 5}}", "true", id="boolean"),
        pytest.param("{{=['<', 1]}}", '["\\u003c",1]', id="a-list-is-go's-json"),
        pytest.param("{{='<'}}", "<", id="a-text-is-itself"),
        pytest.param("{{=tasks['a-b'].outputs.result}}", "done", id="hyphen"),
        pytest.param("{{=tasks['a-b'].outputs.none ?? 'else'}}", "else", id="or-else"),
        pytest.param("{{=gone ?? 'else'}}", "else", id="absent-or-else"),
        pytest.param(
            "{{=jsonpath(inputs.parameters.json, '$.employees[0].name')}}", "A", id="one-value"
        ),
        pytest.param(
            "{{=jsonpath(inputs.parameters.json, '$.employees[?(@.age>42 && @.age<44)].age')}}",
            "[43]",
            id="many-values",
        ),
        pytest.param("{{=toJson({'a': inputs.parameters.n})}}", '{"a":"5"}', id="to-json"),
        pytest.param("{{=steps.s.outputs.artifacts.f.s3.key}}", "k", id="of-an-artifact"),
    ],
)
def test_tags_are_filled(text: str, filled: str) -> None:
    assert tags.fill(text, KNOWN) == filled
    assert tags.fill({"k": [text, 5, None]}, KNOWN) == {"k": [filled, 5, None]}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{{=nobody}}", id="unknown"),
        pytest.param("{{=item == 'x' ? 1 : 2}}", id="late"),
        pytest.param("{{=workflow.status == 'Failed'}}", id="late-below-a-known-name"),
        pytest.param("{{=tasks.x.outputs.result}}", id="member"),
        pytest.param("{{=asInt('x')}}", id="cannot-be-run"),
        pytest.param("{{=nil}}", id="nothing"),
    ],
)
def test_an_expression_waits_for_a_later_pass(text: str) -> None:
    assert tags.fill(text, KNOWN) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{gone}}", "unable to substitute {{gone}}: output is an absent optional (skipped/omitted"
         " node with no default)"),
        ("{{=1 +}}", "failed to evaluate expression: unexpected token"),
    ],
)  # fmt: skip
def test_what_no_pass_can_mend_is_missing(text: str, why: str) -> None:
    with pytest.raises(Missing) as missing:
        tags.fill(text, KNOWN)
    assert str(missing.value).startswith(why)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ tasks.x.ip }}", "failed to resolve {{ tasks.x.ip }}"),
        ("{{=tasks.x.ip}}", "failed to evaluate expression: tasks.x is missing"),
        ("{{=asInt(tasks['a-b'].status)}}", "failed to evaluate expression: "),
        ("{{=nil}}", 'failed to evaluate expression "nil"'),
    ],
)
def test_a_strict_place_must_be_filled(text: str, why: str) -> None:
    with pytest.raises(Missing) as missing:
        tags.fill(text, KNOWN, ("tasks", "steps"))
    assert str(missing.value).startswith(why)


@pytest.mark.parametrize(
    "text", ["{{item}}", "{{=item}}", "{{tasksA.b}}", "{{tasks.x.outputs.artifacts.f}}"]
)
def test_in_a_strict_place_others_may_stay(text: str) -> None:
    assert tags.fill(text, KNOWN, ("tasks", "steps")) == text


def test_everything_may_be_demanded() -> None:
    with pytest.raises(Missing):
        tags.fill("{{item}}", KNOWN, expressions.ALL)


def test_what_has_no_tags_is_shared() -> None:
    value = {"k": [{"a": "b"}], "t": ["{{a}}"]}
    assert tags.fill(value, KNOWN)["k"] is value["k"]


@given(st.text(alphabet="{}=ab ", max_size=30))
def test_any_text_can_be_filled(text: str) -> None:
    try:
        assert tags.fill(text, {}) == text
    except Missing:
        assert "{{=" in text
    list(tags.found_in(text))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{{" * 500_000, id="open"),
        pytest.param("}}" * 500_000, id="close"),
        pytest.param("{{" * 200_000 + "x" + "}}" * 200_000, id="nested"),
        pytest.param("{{x" * 200_000 + "}}", id="closed-once"),
        pytest.param("{{x}}" * 200_000, id="many"),
    ],
)
def test_hostile_texts_take_no_time(text: str) -> None:
    began = time.process_time()
    assert tags.fill(text, {}) == text
    assert time.process_time() - began < 2


@given(st.text(max_size=20))
def test_any_value_lands_as_it_is(value: str) -> None:
    assert tags.fill("<{{v}}>", {"v": value}) == f"<{value}>"
    assert tags.fill("<{{=v}}>", {"v": value}) == f"<{value}>"


def test_tags_are_found_in_keys_and_values() -> None:
    assert list(tags.found_in({"{{a}}": ["{{ b }}", "x{{c{{d}}}}"]})) == ["a", "b", "d"]
    assert list(tags.found_in("{{=a + 'x'}} {{b}}")) == ["=a + 'x'", "b"]


def test_a_longer_name_outlives_a_shorter() -> None:
    known = {"inputs.parameters": "[]", "inputs.parameters.p": "1", "inputs": "x"}
    assert expressions.environment(known, ["inputs"]) == {"inputs": {"parameters": {"p": "1"}}}
    assert expressions.environment(known, ["other"]) == {}
