"""The language as a whole: one row, one rule."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.lib import expr

ENV: dict[str, Any] = {
    "pets": [{"name": "Rex", "legs": 4}, {"name": "Kim", "legs": 2}],
    "box": {"a-b": "dash", "deep": {"list": [1, 2, 3]}},
    "nothing": None,
    "word": "naïve",
}


def value(source: str, env: dict[str, Any] = ENV) -> Any:
    return expr.compile(source, {"tools": {"shout": str.upper}, "twice": lambda n: n * 2}).run(env)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("1 + 2 * 3", 7),
        ("-2 ^ 2", -4.0),
        ("2 ** 3 ** 2", 512.0),
        ("7 / 2", 3.5),
        ("-7 % 3", -1),
        ("0x10 + 0b11 + 0o7 + 1_000", 1026),
        (".5 + 1e1", 10.5),
        ("9223372036854775807 + 1", -(2**63)),
        ("not true == false", True),
        ("true or false and false", True),
        ("(true or false) and false", False),
        ("1 < 2 < 3 <= 3", True),
        ("1 == 1.0 and [1] == [1.0]", True),
        ("{a: 1} == {a: 1.0}", False),
        ("true == 1", False),
        ("nothing ?? 'else'", "else"),
        ("nothing?.b.c.d() ?? 7", 7),
        ("true ? 'yes' : 'no'", "yes"),
        ("false ?: 'no'", "no"),
        ("if 1 > 2 { 3 } else if true { 4 } else { 5 }", 4),
        ("let x = 3; let y = x + 1; x * y", 12),
        ("1; 2; 3;", 3),
        ("box['a-b']", "dash"),
        ("box.missing", None),
        ("box.deep.list[-1]", 3),
        ("box.deep.list[1:]", [2, 3]),
        ("box.deep.list[:-1]", [1, 2]),
        ("word[1:4]", "aï"),
        ("len(word)", 5),
        ("'x' in box || 'deep' in box", True),
        ("4 not in [1, 2]", True),
        ("'abc' contains 'b' and 'abc' startsWith 'a' and not ('abc' endsWith 'a')", True),
        ("'v12' matches '^v[0-9]+$'", True),
        ("nothing matches 'a'", False),
        ("2..4", [2, 3, 4]),
        ("4..2", []),
        (r"'a\tb\u00e9\x41\101\u{1F600}'", "a\tbéAA😀"),
        ("`raw \\n ``tick```", "raw \\n `tick`"),
        (r"b'\xff\101é'", b"\xffA\xc3\xa9"),
        ("1 /* two */ + 3 // four", 4),
        ("{a: 1, 'b c': 2, (word): 3}", {"a": 1, "b c": 2, "naïve": 3}),
        ("'a' in $env || 'word' in $env", True),
        ("$env['word']", "naïve"),
        ("tools.shout(word)", "NAÏVE"),
        ("3 | twice() | string()", "6"),
    ],
)
def test_an_expression_has_a_value(source: str, wanted: Any) -> None:
    assert value(source) == wanted


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("filter(pets, .legs > 2)", [{"name": "Rex", "legs": 4}]),
        ("map(pets, {.name}) | join(',')", "Rex,Kim"),
        (
            "all(1..3, # > 0) and any(1..3, # == 3) and none(1..3, # > 3) and one(1..3, # == 2)",
            True,
        ),
        ("count([true, false, true])", 2),
        ("sum(pets, .legs)", 6),
        ("find(pets, .legs == 2).name", "Kim"),
        ("findIndex([1, 2, 2], # == 2)", 1),
        ("findLastIndex([1, 2, 2], # == 2)", 2),
        ("find([1], # > 1)", None),
        ("groupBy(1..4, # % 2 == 0 ? 'even' : 'odd')", {"odd": [1, 3], "even": [2, 4]}),
        ("sortBy(pets, .name)[0].name", "Kim"),
        ("sortBy([1, 3, 2], #, 'desc')", [3, 2, 1]),
        ("reduce(1..4, #acc + #)", 10),
        ("reduce(['a', 'b'], #acc + string(#index), '')", "01"),
        ("map(1..2, {let n = #; map(1..2, n * #)})", [[1, 2], [2, 4]]),
    ],
)
def test_predicates_look_at_one_item_after_the_other(source: str, wanted: Any) -> None:
    assert value(source) == wanted


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("1 +", "unexpected token EOF (1:3)"),
        ("1 1", 'unexpected token Number("1") (1:3)'),
        ("'open", "literal not terminated"),
        ("/* open", "unclosed comment"),
        ("1 ?? 2 + 3", "cannot be mixed"),
        ("1x", "bad number syntax"),
        (r"'\q'", "invalid char escape"),
        ("#", "unexpected token Operator"),
        ("absent", "unknown name absent (1:1)"),
        ("true || absent", "unknown name absent (1:9)"),
        ("1 + 'a'", "invalid operation: int + string (1:3)"),
        ("nothing.a", "cannot fetch a from <nil>"),
        ("[1][3]", "index out of range: 3 (array length is 1)"),
        ("1 % 0", "integer divide by zero"),
        ("1 ? 2 : 3", "non-bool expression (type int) used as condition"),
        ("word()", "cannot call non-function of type string"),
        ("upper(1)", "cannot use int as argument (type string) to call upper"),
        ("upper()", "not enough arguments to call upper"),
        ("'a' matches '('", "error parsing regexp"),
        ("reduce([], #)", "reduce of empty array with no initial value"),
        ("let len = 1; 2", "cannot redeclare builtin len"),
        ("let a = 1; let a = 2; a", "cannot redeclare variable a"),
    ],
)
def test_a_mistake_says_what_and_where(source: str, wanted: str) -> None:
    with pytest.raises(expr.Mistake) as caught:
        value(source)
    assert wanted in str(caught.value)


def test_names_are_what_an_expression_reads() -> None:
    program = expr.compile("a.b.c + d['e-f'].g + (h.i ?? 1) + k?.l + map(m, .n) + foo(p)[0]")
    assert program.names == {
        "a", "a.b", "a.b.c", "d", "d.e-f", "d.e-f.g", "h", "k", "m", "foo", "p",
    }  # fmt: skip
    assert expr.compile("let x = y; x + $env.z").names == {"y"}
