from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.lib import jq

POD: dict[str, Any] = {
    "metadata": {"name": "web", "labels": {"app": "web", "tier": "front"}},
    "spec": {"containers": [{"name": "main", "image": "a:1"}, {"name": "side", "image": "b:2"}]},
    "status": {"phase": "Running", "restarts": 3},
}


@pytest.mark.parametrize(
    ("program", "document", "results"),
    [
        pytest.param(".status.phase", POD, ["Running"], id="fields"),
        pytest.param('.metadata["labels"]."app"', POD, ["web"], id="fields-in-quotes"),
        pytest.param(".spec.containers[].image", POD, ["a:1", "b:2"], id="each"),
        pytest.param(".spec.containers[-1].name", POD, ["side"], id="from-the-end"),
        pytest.param(".none.at.all", POD, [None], id="nothing-below-nothing"),
        pytest.param("[.[1:], .[:-1], .[1:2]]", [1, 2, 3], [[[2, 3], [1, 2], [2]]], id="slices"),
        pytest.param('.[2], .["a"]?', "abc", ["c"], id="text-by-index"),
        pytest.param("[..]", [[1]], [[[[1]], [1], 1]], id="everything"),
        pytest.param("1, 2 | . + 10", None, [11, 12], id="comma-before-pipe"),
        pytest.param("[(1, 2) + (10, 20)]", None, [[11, 12, 21, 22]], id="right-side-is-outer"),
        pytest.param("7 - 2 - 1, 2 + 3 * 4, -1 + 3", None, [4, 14, 2], id="arithmetic"),
        pytest.param("7 / 2, 6 / 3, 7 % -2, -7 % 2", None, [3.5, 2, 1, -1], id="division"),
        pytest.param("9007199254740993 + 1", None, [9007199254740994], id="integers-of-any-size"),
        pytest.param('"a,b" / ",", [1, 2, 1] - [1]', None, [["a", "b"], [2]], id="other-operands"),
        pytest.param('{a: {b: 1}} * {a: {c: 2}}', None, [{"a": {"b": 1, "c": 2}}], id="merge"),
        pytest.param("null < false, 1 == 1.0, [1] < [1, 0], {} > []", None, [True] * 4, id="order"),
        pytest.param("true == 1", None, [False], id="one-is-not-true"),
        pytest.param(".a // 1, (false, null, 3) // 9, empty // 5", {}, [1, 3, 5], id="otherwise"),
        pytest.param("[true, false | . and true, . or true]", None,
                     [[True, True, False, True]], id="logic"),
        pytest.param('if . then "y" elif . == null then "n" else "f" end', None, ["n"], id="if"),
        pytest.param("{a: (1, 2), (\"b\", \"c\"): 3}", None,
                     [{"a": 1, "b": 3}, {"a": 1, "c": 3}, {"a": 2, "b": 3}, {"a": 2, "c": 3}],
                     id="objects-of-streams"),
        pytest.param('. as {metadata: {$name}, status: {phase: $p}} | "\\($name): \\($p)"', POD,
                     ["web: Running"], id="taken-apart"),
        pytest.param(".[] as [$a] ?// $a | [$a]", [[1], 2], [[1], [2]], id="other-pattern"),
        pytest.param("def f(g): [g, g]; f(1, 2)", None, [[1, 2, 1, 2]], id="query-as-argument"),
        pytest.param("def f($x; $y): $x * $y; f(1, 2; 10)", None, [10, 20], id="value-as-argument"),
        pytest.param("def fib: if . < 2 then . else (. - 1 | fib) + (. - 2 | fib) end; 10 | fib",
                     None, [55], id="recursion"),
        pytest.param("reduce .[] as $x (0; . + $x)", [1, 2, 3], [6], id="reduce"),
        pytest.param("[foreach .[] as $x (0; . + $x; [$x, .])]", [1, 2], [[[1, 1], [2, 3]]],
                     id="foreach"),
        pytest.param("[label $out | .[] | if . > 2 then break $out else . end]", [1, 2, 3, 1],
                     [[1, 2]], id="break"),
        pytest.param('try error("no") catch ., (try error({a: 1}) catch .a)', None, ["no", 1],
                     id="catch"),
        pytest.param("[.[] | .a?]", [{"a": 1}, 2, {"a": 3}], [[1, 3]], id="passed-over"),
        pytest.param('"1 + 2 = \\(1 + 2), \\([1])"', None, ["1 + 2 = 3, [1]"], id="interpolation"),
        pytest.param('@base64 "\\(.)", (@base64 | @base64d)', "hé", ["aMOp", "hé"], id="base64"),
        pytest.param("@csv, @tsv, @sh, @html", ['a"b', 1, None],
                     ['"a""b",1,', 'a"b\t1\t', "'a\"b' 1 null", '[&quot;a\\&quot;b&quot;,1,null]'],
                     id="formats"),
        pytest.param("@uri, @json, @text", "a b&c", ["a%20b%26c", '"a b&c"', "a b&c"], id="uri"),
        pytest.param('.a.b |= 5, .a = 1, del(.a), (.n += 1 | .n)', {"a": {"b": 1}, "n": 1},
                     [{"a": {"b": 5}, "n": 1}, {"a": 1, "n": 1}, {"n": 1}, 2], id="updates"),
        pytest.param("map(select(. > 1)), [.[] |= empty]", [1, 2, 3], [[2, 3], [[]]], id="select"),
        pytest.param("[path(..)]", {"a": [1]}, [[[], ["a"], ["a", 0]]], id="paths"),
        pytest.param('getpath(["a", "b"]), pick(.a.b), [paths]', {"a": {"b": 1}, "c": 2},
                     [1, {"a": {"b": 1}}, [["a"], ["a", "b"], ["c"]]], id="paths-as-values"),
        pytest.param('to_entries, with_entries(.value += 1), (to_entries | from_entries)',
                     {"b": 1, "a": 2},
                     [[{"key": "a", "value": 2}, {"key": "b", "value": 1}], {"a": 3, "b": 2},
                      {"a": 2, "b": 1}], id="entries"),
        pytest.param("group_by(.k) | map(map(.v))",
                     [{"k": 2, "v": 1}, {"k": 1, "v": 2}, {"k": 2, "v": 3}], [[[2], [1, 3]]],
                     id="groups"),
        pytest.param("sort, unique, min, max, reverse, add", [3, 1, 3],
                     [[1, 3, 3], [1, 3], 1, 3, [3, 1, 3], 7], id="lists"),
        pytest.param("sort_by(-.), max_by(-.), [limit(2; .[])], first, last, nth(1)", [1, 2, 3],
                     [[3, 2, 1], 1, [1, 2], 1, 3, 2], id="lists-by-query"),
        pytest.param("[range(3)], [range(1; 3)], [range(5; 0; -2)]", None,
                     [[0, 1, 2], [1, 2], [5, 3, 1]], id="ranges"),
        pytest.param("[.[] | while(. < 20; . * 3)], ([.[] | until(. > 20; . * 3)])", [1, 7],
                     [[1, 3, 9, 7], [27, 21]], id="loops"),
        pytest.param("flatten, flatten(1)", [1, [2, [3]]], [[1, 2, 3], [1, 2, [3]]], id="flatten"),
        pytest.param("walk(if type == \"number\" then . + 1 else . end)", [1, {"a": 2}],
                     [[2, {"a": 3}]], id="walk"),
        pytest.param('any, all, any(. > 2), isempty(.[]), (.[] | IN(1, 3))', [1, 3],
                     [True, True, True, False, True, True], id="questions"),
        pytest.param("[combinations], transpose", [[1, 2], [3, 4]],
                     [[[1, 3], [1, 4], [2, 3], [2, 4]], [[1, 3], [2, 4]]], id="combinations"),
        pytest.param("[tostream], fromstream(tostream)", {"a": [1]},
                     [[[["a", 0], 1], [["a", 0]], [["a"]]], {"a": [1]}], id="streams"),
        pytest.param('INDEX(.id) | map_values(.n), keys', [{"id": 1, "n": "x"}],
                     [{"1": "x"}, ["1"]], id="index"),
        pytest.param('length, keys, has("a"), (.a | contains([1])), type', {"a": [1, 2]},
                     [1, ["a"], True, True, "object"], id="of-values"),
        pytest.param('ascii_upcase, ltrimstr("a"), split("b"), explode[0], test("^A"; "i")', "abc",
                     ["ABC", "bc", ["a", "c"], 97, True], id="texts"),
        pytest.param('[match("(?<x>a.)"; "g") | .offset, .captures[0].string], capture("(?<y>n)")',
                     "banana", [[1, "an", 3, "an"], {"y": "n"}], id="matches"),
        pytest.param('sub("a"; "<\\("x", "y")>"), gsub("(?<l>[an])"; .l + "."), [scan("an")]',
                     "ban", ["b<x>n", "b<y>n", "ba.n.", ["an"]], id="substitutions"),
        pytest.param('[splits(", *")], split("b+"; null), gsub(""; "-")', "a, bb",
                     [["a", "bb"], ["a, ", ""], "-a-,- -b-b-"], id="splits"),
        pytest.param("tojson, (tojson | fromjson), tostring", [1.0, 1e21, None, "é\u007f"],
                     ['[1,1e+21,null,"é\\u007f"]', [1, 1e21, None, "é\x7f"],
                      '[1,1e+21,null,"é\\u007f"]'], id="json"),
        pytest.param('map(tonumber? // "none")', ["1", "1.5", "x", 2], [[1, 1.5, "none", 2]],
                     id="numbers"),
        pytest.param("floor, ceil, round, sqrt, pow(.; 2)", 6.25, [6, 7, 6, 2.5, 39.0625],
                     id="mathematics"),
        pytest.param("todate, (todate | fromdate), (gmtime | mktime), strftime(\"%A %j %H\")",
                     1425599621,
                     ["2015-03-05T23:53:41Z", 1425599621, 1425599621, "Thursday 064 23"],
                     id="dates"),
        pytest.param('strptime("%d %b %Y") | mktime | todate', "5 Mar 2015",
                     ["2015-03-05T00:00:00Z"], id="dates-from-texts"),
        pytest.param("env, $ENV, infinite, (nan | isnan)", None, [{}, {}, float("inf"), True],
                     id="no-environment"),
        pytest.param("# all\n. # that follows", 1, [1], id="comments"),
    ],
)  # fmt: skip
def test_results(program: str, document: Any, results: list[Any]) -> None:
    assert jq.run(program, document) == results


@pytest.mark.parametrize(
    ("program", "document", "fault"),
    [
        pytest.param("", None, 'missing query (try ".")', id="nothing"),
        pytest.param(".a |", None, "unexpected EOF", id="half"),
        pytest.param(".a }", None, 'unexpected token "}"', id="brace"),
        pytest.param('"a', None, "unterminated string literal", id="text"),
        pytest.param(r'"\q"', None, r'invalid escape sequence "\q" in string literal', id="escape"),
        pytest.param("12x", None, 'invalid token "12x"', id="number"),
        pytest.param("nobody", None, "function not defined: nobody/0", id="function"),
        pytest.param("length(1)", None, "function not defined: length/1", id="arguments"),
        pytest.param("$x", None, "variable not defined: $x", id="variable"),
        pytest.param("break $x", None, "label not defined: $x", id="label"),
        pytest.param("inputs", None, "input(s)/0 is not allowed", id="input"),
        pytest.param('import "a" as a; .', None, "modules are not supported", id="modules"),
        pytest.param(".a", [1], "expected an object but got: array ([1])", id="field-of-a-list"),
        pytest.param(".[0]", {}, "expected an array but got: object ({})", id="item-of-an-object"),
        pytest.param(".[]", 1, "cannot iterate over: number (1)", id="each-of-a-number"),
        pytest.param('. + "a"', 1, 'cannot add: number (1) and string ("a")', id="sum-of-kinds"),
        pytest.param("1 / .", 0, "cannot divide number (1) by: number (0)", id="by-zero"),
        pytest.param("{(.): 1}", 1, "expected a string for object key but got: number (1)",
                     id="key"),
        pytest.param("path(1)", None, "invalid path against: number (1)", id="path"),
        pytest.param('error("a")', None, "error: a", id="error"),
        pytest.param("error", {"a": 1}, 'error: {"a":1}', id="error-with-a-value"),
        pytest.param('.[] | tonumber', ["x"], 'tonumber cannot be applied to "x": invalid number',
                     id="tonumber"),
        pytest.param('"abc" | test("a"; "q")', None, 'unsupported regular expression flag: "q"',
                     id="flag"),
        pytest.param("@nothing", None, "format not defined: @nothing", id="format"),
    ],
)  # fmt: skip
def test_mistakes_say_what_upstream_says(program: str, document: Any, fault: str) -> None:
    with pytest.raises(jq.Mistake) as caught:
        jq.run(program, document)
    assert str(caught.value) == fault


@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    [
        "repeat(1)",
        "[range(infinite)]",
        "last(range(1e12))",
        "def f: f; f",
        "def f: 1 + f; f",
        "reduce range(100) as $i (\"x\"; . + .)",
        "reduce range(100) as $i ([1]; . + .)",
        "reduce range(100) as $i (1; [., .]) | tojson",
        "reduce range(100) as $i (1; [., .]) | . == (. | map(.))",
        "reduce range(100) as $i (1; [., .]) | del(.[0][0])",
        "reduce range(60) as $i (7; . * .)",
        '"x" * 1e9',
        ".[1e9] = 1",
        '[limit(100000; repeat("a"))] | join("aaaaaaaaaaaaaaaaaaaaaaaaaaa") * 100',
        "[recurse(. + 1; . < 1e7)]",
        "def f($n): if $n > 0 then f($n - 1) else 0 end; f(100000)",
        '"' + "a" * 30_000 + '" | match("(a+)+$")',
        "(" * 3000,
        "[" * 3000 + "1" + "]" * 3000,
        "-" * 3000 + "1",
        '"\\(' * 1000,
    ],
)  # fmt: skip
def test_no_program_runs_for_ever_or_grows_without_end(program: str) -> None:
    with pytest.raises(jq.Mistake):
        jq.run(program, None)


def test_changing_every_item_of_a_long_list_copies_it_once() -> None:
    assert jq.run("map_values(. + 1) | add", list(range(20_000))) == [200_010_000]


def test_an_update_leaves_its_input_alone() -> None:
    document = {"a": {"b": [1, 2]}}
    assert jq.run("(.a.b[] |= . + 1), .", document) == [{"a": {"b": [2, 3]}}, document]
    assert document == {"a": {"b": [1, 2]}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
PIECES = st.sampled_from(
    [".", "..", ".a", "[", "]", "(", ")", "{", "}", "|", ",", ":", ";", "?", "//", "=", "|=", "+=",
     "and", "not", "if", "then", "else", "end", "try", "catch", "reduce", "foreach", "as", "$x",
     "def", "f", "label", "break", "1", '"a\\(', '"', "@csv", "map", "select", "keys", "add", "-",
     "*", "range", "path", "del", "test", "limit", "recurse", "==", "empty", "error", "?//", " "]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14).map(" ".join), JSON)
def test_any_program_has_results_or_is_a_mistake(program: str, document: Any) -> None:
    with contextlib.suppress(jq.Mistake):
        for value in jq.run(program, document):
            assert isinstance(jq.encode(value), str)


SOUND = st.sampled_from(
    [".", "..", ".[]?", ".a?", "keys?", "length?", "map(.)?", "to_entries?", "tojson",
     "add?", "sort?", "unique?", "flatten?", "[paths]", "tostring", "type", "@json", "not",
     "walk(.)",
     "group_by(.)?", "(.. |= .)", "del(.[0]?)?", "[.[]?] | transpose?", "min?", "reverse?",
     "[tostream]", "(tojson | fromjson)", "ascii_downcase?", "explode?", "[match(\"a*\"; \"g\")?]"]
)  # fmt: skip


@given(st.lists(SOUND, min_size=1, max_size=4).map(" | ".join), JSON)
def test_sound_programs_end_on_any_document(program: str, document: Any) -> None:
    for value in jq.run(program, document):
        assert isinstance(jq.encode(value), str)
