"""Sprig's functions as expressions call them: one row, one function."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.lib import expr, sprig

NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)


def value(source: str, seed: str = "s") -> Any:
    functions = {"sprig": sprig.functions(NOW, seed), "now": lambda: NOW}
    return expr.compile(source, functions).run({"none": None})


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("trim(' a\\n')", "a"),
        ("trimAll('-', '-a-')", "a"),
        ("trimSuffix('.x', 'a.x') + sprig.trimPrefix('a', 'ab')", "ab"),
        ("abbrev(8, 'hello world')", "hello..."),
        ("abbrevboth(5, 10, '1234 5678 9123')", "...5678..."),
        ("trunc(3, 'hello') + sprig.trunc(-2, 'hello')", "hello"),
        ("substr(1, 3, 'hello') + sprig.substr(-1, 2, 'hello') + sprig.substr(3, 99, 'hello')",
         "elhelo"),
        ("title('hello big wörld') + sprig.untitle('A B')", "Hello Big Wörlda b"),
        ("repeat(3, 'ab')", "ababab"),
        ("nospace('a b\\tc')", "abc"),
        ("initials('First Try')", "FT"),
        ("snakecase('FirstNameHTTPServer')", "first_name_http_server"),
        ("kebabcase('first name')", "first-name"),
        ("camelcase('http_server is_UP')", "HttpServerIsUp"),
        ("swapcase('aB')", "Ab"),
        ("wrap(5, 'one two three')", "one\ntwo\nthree"),
        ("wrapWith(3, '|', 'abcdefgh')", "abc|def|gh"),
        ("contains('a', 'cat') && sprig.hasPrefix('c', 'cat')", True),
        ("quote('a\"b', 1, none)", '"a\\"b" "1"'),
        ("squote('a', 1)", "'a' '1'"),
        ("cat('a', none, 1, true)", "a 1 true"),
        ("indent(2, 'a\\nb') + sprig.nindent(1, 'c')", "  a\n  b\n c"),
        ("replace('a', 'b', 'aa')", "bb"),
        ("plural('cat', 'cats', 2)", "cats"),
        ("split('/', 'a/b')._1 + sprig.splitn('/', 2, 'a/b/c')._1", "bb/c"),
        ("splitList(',', 'a,b')", ["a", "b"]),
        ("join('-', [1, none, 'x'])", "1-x"),
        ("sortAlpha(['b', 'a'])", ["a", "b"]),
        ("toStrings([1, true])", ["1", "true"]),
    ],
)  # fmt: skip
def test_texts(call: str, wanted: Any) -> None:
    assert value(f"sprig.{call}") == wanted


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("int('0x10')", 16),
        ("int('3.0') + sprig.int64(true) + sprig.int(2.9)", 6),
        ("int('no')", 0),
        ("float64('1.5')", 1.5),
        ("atoi('x')", 0),
        ("toDecimal('777')", 511),
        ("add(1, '2', 3.9)", 6),
        ("sub(5, 2) + sprig.add1(1)", 5),
        ("div(-7, 2)", -3),
        ("mod(-7, 2)", -1),
        ("mul(2, 3, 4)", 24),
        ("addf(0.1, 0.2)", 0.3),
        ("subf(1, .9) + sprig.mulf(2, .1) + sprig.divf(1, 4) + sprig.add1f(1)", 2.55),
        ("max(1, 3, 2) + sprig.min(4, 5) + sprig.biggest(1)", 8),
        ("maxf(1.5, 2) + sprig.minf(1.5, 2)", 3.5),
        ("ceil(1.2) + sprig.floor('1.9')", 3.0),
        ("round(123.5555, 3)", 123.556),
        ("round(1.26, 1, 0.9)", 1.2),
        ("seq(3) + ',' + sprig.seq(2, 0) + ',' + sprig.seq(0, 2, 5)", "1 2 3,2 1 0,0 2 4"),
        ("until(3)", [0, 1, 2]),
        ("untilStep(6, 0, -2)", [6, 4, 2]),
        ("add(9223372036854775807, 1)", -(2**63)),
    ],
)
def test_numbers(call: str, wanted: Any) -> None:
    assert value(f"sprig.{call}") == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("list(1, 'a')", [1, "a"]),
        ("append([1], 2)", [1, 2]),
        ("prepend([1], 2)", [2, 1]),
        ("first([1, 2]) + sprig.last([1, 2])", 3),
        ("rest([1, 2, 3])", [2, 3]),
        ("initial([1, 2, 3])", [1, 2]),
        ("reverse([1, 2])", [2, 1]),
        ("compact([0, 1, '', none, 'a'])", [1, "a"]),
        ("uniq([1, 1, '1', [1], [1]])", [1, "1", [1]]),
        ("without([1, 2, 3], 2, 3)", [1]),
        ("has(2, [1, 2]) && !sprig.has(2.0, [1, 2])", True),
        ("slice([1, 2, 3], 1, 3)", [2, 3]),
        ("chunk(2, [1, 2, 3])", [[1, 2], [3]]),
        ("concat([1], [2])", [1, 2]),
        ("dict('a', 1, 'b')", {"a": 1, "b": ""}),
        ("get({a: 1}, 'b')", ""),
        ("set({a: 1}, 'b', 2)", {"a": 1, "b": 2}),
        ("unset({a: 1}, 'a')", {}),
        ("hasKey({a: 1}, 'a')", True),
        ("pluck('a', {a: 1}, {b: 2}, {a: 3})", [1, 3]),
        ("pick({a: 1, b: 2}, 'a')", {"a": 1}),
        ("omit({a: 1, b: 2}, 'a')", {"b": 2}),
        ("keys({a: 1}, {b: 2})", ["a", "b"]),
        ("values({a: 1})", [1]),
        ("merge({a: {x: 1}}, {a: {x: 2, y: 3}, b: 4})", {"a": {"x": 1, "y": 3}, "b": 4}),
        ("mergeOverwrite({a: 1, b: 2}, {a: 3})", {"a": 3, "b": 2}),
        ("dig('a', 'b', 'no', {a: {b: 1}})", 1),
        ("dig('a', 'c', 'no', {a: {b: 1}})", "no"),
        ("default('d', '')", "d"),
        ("default('d', 0)", "d"),
        ("coalesce(0, '', 'x', 'y')", "x"),
        ("all(1, 'a') && sprig.any(0, 1) && sprig.empty([])", True),
        ("ternary('yes', 'no', true)", "yes"),
        ("typeOf(1.5) + sprig.kindOf({}) + sprig.typeOf([])", "float64map[]interface {}"),
        ("deepEqual([1], [1.0])", False),
    ],
)
def test_lists_and_maps(call: str, wanted: Any) -> None:
    assert value(f"sprig.{call}") == wanted


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("b64dec(sprig.b64enc('é'))", "é"),
        ("b64dec('?')", "illegal base64 data at input byte 0"),
        ("b32dec(sprig.b32enc('a'))", "a"),
        ("sha256sum('a')", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("adler32sum('a')", "6422626"),
        ("toJson({b: 1, a: '<'})", '{"a":"\\u003c","b":1}'),
        ("toRawJson('<')", '"<"'),
        ("toPrettyJson([1])", "[\n  1\n]"),
        ("fromJson('[1]')", [1.0]),
        ("fromJson('{')", None),
        ("base('/a/b.c') + sprig.dir('/a/b') + sprig.ext('x.tar.gz') + sprig.clean('a/../b')",
         "b.c/a.gzb"),
        ("isAbs('/a')", True),
        ("urlParse('http://u:p@h:1/p?q=1#f').hostname", "h"),
        ("urlJoin(sprig.urlParse('http://u:p@h:1/p?q=1#f'))", "http://u:p@h:1/p?q=1#f"),
        ("regexMatch('^a+$', 'aa') && !sprig.regexMatch('(', 'a')", True),
        ("regexFind('b.', 'abcbd')", "bc"),
        ("regexFindAll('b.', 'bcbdbe', 2)", ["bc", "bd"]),
        ("regexReplaceAll('a(x*)b', '-ab-axxb-', '${1}W')", "-W-xxW-"),
        ("regexReplaceAllLiteral('a', 'a', '$1')", "$1"),
        ("regexSplit('z+', 'pizza', -1)", ["pi", "a"]),
        ("regexQuoteMeta('1.2')", "1\\.2"),
        ("semver('v1.2.3-rc.1+b').Prerelease()", "rc.1"),
    ],
)  # fmt: skip
def test_codes(call: str, wanted: Any) -> None:
    assert value(f"sprig.{call}") == wanted


@pytest.mark.parametrize(
    ("constraint", "version", "wanted"),
    [
        ("1.2.3", "v1.2.3", True),
        (">=1.2, <3 || =4.1", "2.9", True),
        (">=1.2 <3 || =4.1", "4.1.0", True),
        ("^1.2", "1.9.9", True),
        ("^0.2.3", "0.3.0", False),
        ("~1.2", "1.2.9", True),
        ("~1", "2.0", False),
        ("1.x", "1.5", True),
        ("1.2 - 3", "3.4", True),
        ("!=1.2", "1.2.5", False),
        (">1.2", "1.2.5", False),
        ("*", "1.0.0-rc", False),
        (">1.0.0-beta", "1.0.0-rc", True),
    ],
)
def test_versions(constraint: str, version: str, wanted: bool) -> None:
    assert sprig.FUNCTIONS["semverCompare"](constraint, version) is wanted


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("date('2006-01-02', now())", "2026-03-08"),
        ("date('15:04', none)", "12:00"),
        ("date('2006', 0)", "1970"),
        ("dateInZone('15:04 MST', now(), 'Europe/Zurich')", "13:00 CET"),
        ("htmlDate(sprig.dateModify('-24h', sprig.now()))", "2026-03-07"),
        ("ago(sprig.toDate('2006-01-02', '2026-03-08'))", "12h0m0s"),
        ("duration('95')", "1m35s"),
        ("durationRound('2h10m')", "2h"),
        ("durationRound(sprig.toDate('2006', '2020'))", "6y"),
        ("unixEpoch(now())", "1772971200"),
    ],
)
def test_dates(call: str, wanted: str) -> None:
    assert value(f"sprig.{call}") == wanted


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("genCA('a', 1)", "sprig.genCA is not supported"),
        ("env('HOME')", "sprig.env is not supported"),
        ("fail('on purpose')", "on purpose"),
        ("trim(1)", "cannot use int as argument (type string) to call sprig.trim"),
        ("trim()", "not enough arguments to call sprig.trim"),
        ("push('a', 1)", "Cannot push on type string"),
        ("div(1, 0)", "integer divide by zero"),
        ("divf(1, 0)", "decimal division by 0"),
        ("repeat(999999999, 'a')", "a text may have"),
        ("until(999999999)", "a list may have"),
        ("regexFind('(a*)*b', 'a')", "could run away"),
        ("mustFromJson('{')", "invalid JSON"),
        ("mustToDate('2006', 'x')", "parsing time"),
        ("semver('one')", "Invalid Semantic Version"),
        ("randInt(2, 1)", "invalid argument to Intn"),
    ],
)
def test_a_function_refuses(call: str, wanted: str) -> None:
    with pytest.raises(expr.Mistake) as caught:
        value(f"sprig.{call}")
    assert wanted in str(caught.value)


def test_chance_is_that_of_the_seed() -> None:
    call = "sprig.randAlphaNum(8) + sprig.uuidv4() + string(sprig.randInt(0, 99))"
    assert value(call, "one") == value(call, "one") != value(call, "two")
    with pytest.raises(sprig.Mistake, match="no chance"):
        sprig.FUNCTIONS["randAlpha"](3)
    with pytest.raises(sprig.Mistake, match="no clock"):
        sprig.FUNCTIONS["now"]()


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
VALUES = (
    ANYTHING | st.lists(ANYTHING, max_size=2) | st.dictionaries(st.text(), ANYTHING, max_size=2)
)


@given(st.sampled_from(sorted(sprig.FUNCTIONS)), st.lists(VALUES, max_size=4))
def test_no_function_raises_anything_else(name: str, arguments: list[Any]) -> None:
    try:
        sprig.FUNCTIONS[name](*arguments)
    except sprig.Mistake as mistake:
        assert str(mistake)  # noqa: PT017
