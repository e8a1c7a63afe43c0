"""Messages on the wire: what goes in comes out, and broken bytes are said to be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.lib.proto import Broken, Schema, get

SCHEMA = Schema(
    "test.v1",
    enums={"Kind": ("NONE", "SOME"), "All.Inner": ("ZERO",)},
    messages={
        "All": "1 text string, 2 data bytes, 3 flag bool, 4 number int32, 5 real double,"
        "6 kind Kind, 7 one All.Part, 8 parts All.Part*, 9 texts string*, 10 numbers int32*,"
        "11 reals double*, 16 labels map, 2000 again All",
        "All.Part": "1 name string",
    },
    services={"Svc": {"Do": ("All", "stream All.Part")}},
)
PARTS = st.fixed_dictionaries({}, optional={"name": st.text(min_size=1)})
NUMBERS = st.integers(-(1 << 31), (1 << 31) - 1)
REALS = st.floats(allow_nan=False)
MESSAGES = st.fixed_dictionaries(
    {
        "parts": st.lists(PARTS, max_size=3),
        "texts": st.lists(st.text(), max_size=3),
        "numbers": st.lists(NUMBERS, max_size=3),
        "reals": st.lists(REALS, max_size=3),
        "labels": st.dictionaries(st.text(), st.text(), max_size=3),
    },
    optional={
        "text": st.text(min_size=1),
        "data": st.binary(min_size=1),
        "flag": st.just(True),
        "number": NUMBERS.filter(bool),
        "real": REALS.filter(bool),
        "kind": st.just(1),
        "one": PARTS,
    },
)


@given(MESSAGES)
def test_what_goes_in_comes_out(message):
    assert SCHEMA.decode("All", SCHEMA.encode("All", message)) == message


@given(st.binary())
def test_bytes_are_a_message_or_broken(data):
    try:
        found = SCHEMA.decode("All", data)
    except Broken:
        return
    assert set(found) <= {field.name for field in SCHEMA.messages["All"]}


@pytest.mark.parametrize(
    ("message", "data"),
    [
        pytest.param({"text": "ab"}, "0a026162", id="text"),
        pytest.param({"number": -1}, "20ffffffffffffffffff01", id="negative"),
        pytest.param({"real": 1.0}, "29000000000000f03f", id="double"),
        pytest.param({"one": {}}, "3a00", id="an empty message is sent"),
        pytest.param({"text": "", "number": 0, "parts": []}, "", id="defaults are not"),
        pytest.param({"labels": {"a": "b"}}, "8201060a01611201" + "62", id="map"),
        pytest.param({"again": {"flag": True}}, "827d021801", id="a large number"),
    ],
)
def test_bytes_are_as_the_language_has_them(message, data):
    assert SCHEMA.encode("All", message).hex() == data


def test_numbers_may_come_packed_or_not():
    packed, apart = bytes.fromhex("5203010203"), bytes.fromhex("500150025003")
    assert SCHEMA.decode("All", packed)["numbers"] == [1, 2, 3]
    assert SCHEMA.decode("All", apart)["numbers"] == [1, 2, 3]


def test_fields_that_nobody_declared_are_passed_over():
    later = bytes.fromhex("a0060a" + "a5060a000000" + "a1060a00000000000000" + "a20601ff")
    assert SCHEMA.decode("All.Part", later + bytes.fromhex("0a0161")) == {"name": "a"}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("0a", id="no length"),
        pytest.param("0a05aa", id="too short"),
        pytest.param("0801", id="a number for a text"),
        pytest.param("0a01ff", id="no UTF-8"),
        pytest.param("00", id="no number"),
        pytest.param("0b", id="a group"),
        pytest.param("20" + "ff" * 12, id="no end"),
        pytest.param("5a03000000", id="half a double"),
    ],
)
def test_broken_bytes_are_told(data):
    with pytest.raises(Broken):
        SCHEMA.decode("All", bytes.fromhex(data))


def test_what_is_nested_too_deeply_is_told():
    data = b""
    for _ in range(150):
        data = SCHEMA.encode("All", {}) or data
        data = b"\x82\x7d" + _size(len(data)) + data
    with pytest.raises(Broken):
        SCHEMA.decode("All", data)


def _size(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def test_fields_are_looked_up_by_paths():
    assert get({"a": {"b": 1}}, "a", "b") == 1
    assert get({"a": {}}, "a", "b") == ""
    assert get({}, "a", "b", default=()) == ()
