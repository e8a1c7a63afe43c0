"""The functions that every expression has."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.lib import expr


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("trim('\\t x ') + trim('__y_', '_')", "xy"),
        ("trimPrefix('a.b', 'a.') + trimSuffix('c.d', '.d')", "bc"),
        ("upper('é') + lower('É')", "Éé"),
        ("split('a,b,c', ',', 2)", ["a", "b,c"]),
        ("split('añ', '')", ["a", "ñ"]),
        ("splitAfter('a,b,c', ',')", ["a,", "b,", "c"]),
        ("replace('aaa', 'a', 'b', 2)", "bba"),
        ("repeat('ab', 2)", "abab"),
        ("join(['a', 'b'])", "ab"),
        ("indexOf('éa', 'a') + lastIndexOf('aXa', 'a') + indexOf('a', 'z')", 3),
        ("hasPrefix('ab', 'a') and hasSuffix('ab', 'b')", True),
        ("[abs(-3), abs(-.5), ceil(1.2), floor(-1.2), round(-2.5)]", [3, 0.5, 2.0, -2.0, -3.0]),
        ("[int('-7'), int(2.9), float('1e3'), int(true ? 1 : 0)]", [-7, 2, 1000.0, 1]),
        ("[max(1, [5, [9]]), min([3, 2.5])]", [9, 2.5]),
        ("[mean(1, [2, 3]), median([4, 1, 3, 2]), mean([])]", [2.0, 2.5, 0.0]),
        ("string([1, 2.0, 'x', nil, {b: true, a: 1e25}])", "[1 2 x <nil> map[a:1e+25 b:true]]"),
        ("toJSON({b: [], a: '<é>'})", '{\n  "a": "\\u003cé\\u003e",\n  "b": []\n}'),
        ("fromJSON('{\"a\": [1, 2.5, null]}')", {"a": [1.0, 2.5, None]}),
        ("fromBase64(toBase64('hé'))", "hé"),
        ("[first([1, 2]), last([1, 2]), first([]), get({a: 1}, 'b'), get([1], -1)]",
         [1, 2, None, None, 1]),
        ("[take([1, 2, 3], 2), reverse([1, 2]), concat([1], [[2]])]", [[1, 2], [2, 1], [1, [2]]]),
        ("flatten([1, [2, [3, []]]])", [1, 2, 3]),
        ("uniq([1, '1', true, 1.0, [1], [1]])", [1, "1", True, [1]]),
        ("[keys({a: 1}), values({a: 1}), toPairs({a: 1})]", [["a"], [1], [["a", 1]]]),
        ("fromPairs([['a', 1]]).a", 1),
        ("[sort([2, 1.5, 3]), sort(['b', 'a'], 'desc')]", [[1.5, 2, 3], ["b", "a"]]),
        ("[bitand(12, 10), bitor(12, 10), bitxor(12, 10), bitnand(12, 10), bitnot(0)]",
         [8, 14, 6, 4, -1]),
        ("[bitshl(1, 63), bitshl(1, 64), bitshr(-8, 1), bitushr(-5, 2)]",
         [-(2**63), 0, -4, 4611686018427387902]),
        ("map([nil, true, 1, 1.0, 'a', [], {}, now], type(#))",
         ["nil", "bool", "int", "float", "string", "array", "map", "func"]),
        ("len('é') + len([1]) + len({a: 1})", 3),
    ],
)  # fmt: skip
def test_a_function_gives(source: str, wanted: Any) -> None:
    given = expr.compile(source, {"now": lambda: None}).run({})
    assert given == wanted
    assert repr(given) == repr(wanted)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("len(1)", "invalid argument for len (type int)"),
        ("len()", "invalid number of arguments (expected 1, got 0)"),
        ("abs('a')", "invalid argument for abs (type string)"),
        ("flatten([1], [2])", "invalid number of arguments (expected 1, got 2)"),
        ("fromJSON('[1e999]')", "cannot unmarshal number 1e999"),
        ("int('1.5')", "invalid operation: int(1.5)"),
        ("float([])", "invalid operation: float([]interface {})"),
        ("max(1, 'a')", "invalid argument for max (type string)"),
        ("repeat('a', -1)", "expected positive integer, got -1"),
        ("join([1])", "invalid argument for join (type int)"),
        ("fromJSON('{')", "invalid JSON"),
        ("fromJSON('NaN')", "invalid JSON"),
        ("fromBase64('?')", "illegal base64 data"),
        ("fromPairs([[1]])", "invalid pair length [1]"),
        ("sort([1], 'up')", "invalid order up"),
        ("sort([1, 'a'])", "invalid operation"),
        ("bitshl(1, -1)", "negative shift count -1"),
        ("bitand(1.5, 1)", "cannot use float64 as argument (type int) to call bitand"),
        ("groupBy([1], [#])", "type is not comparable"),
        ("trim('a', 'b', 'c')", "too many arguments to call trim"),
        ("toJSON({a: 1/0})", "json: unsupported value: +Inf"),
    ],
)
def test_a_function_refuses(source: str, wanted: str) -> None:
    with pytest.raises(expr.Mistake) as caught:
        expr.compile(source).run({})
    assert wanted in str(caught.value)
