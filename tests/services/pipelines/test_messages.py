"""JSON read as a message, as protocol buffers are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.services.errors import Refused
from sampan.services.pipelines import messages
from sampan.services.pipelines.messages import Many, Map, Message, enum, read

KIND = Message(
    {
        "some_text": messages.text, "number": messages.long, "state": enum("NONE", "ON"),
        "at": messages.moment, "tags": Map(messages.text), "items": Many(messages.integer),
        "other": messages.text,
    },
    (("some_text", "other"),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"someText": "a"}, {"some_text": "a"}),
        ({"some_text": "a", "number": None}, {"some_text": "a"}),
        ({"number": "-7", "state": 1}, {"number": -7, "state": "ON"}),
        ({"number": 7.0, "state": "NONE"}, {"number": 7, "state": "NONE"}),
        ({"at": "2026-01-01T01:00:00.5+01:00"}, {"at": "2026-01-01T00:00:00Z"}),
        ({"tags": {"a": "b"}, "items": [1, "2"]}, {"tags": {"a": "b"}, "items": [1, 2]}),
    ],
)
def test_what_is_allowed_is_read(given, wanted):
    assert read(KIND, given) == wanted


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"what": 1}, 'unknown field "what"'),
        ({"some_text": "a", "someText": "b"}, 'duplicate field "someText"'),
        ({"some_text": "a", "other": "b"}, "only one of some_text and other"),
        ({"number": 1 << 63}, "out of range"),
        ({"number": "1.5"}, "number: expected a whole number"),
        ({"number": True}, "expected a whole number"),
        ({"items": [1, {}]}, "items[1]: expected a whole number"),
        ({"items": {}}, "items: expected a list"),
        ({"tags": {"a": 1}}, "tags['a']: expected a string"),
        ({"state": "OFF"}, "invalid value for enum field state"),
        ({"state": True}, "invalid value for enum field state"),
        ({"at": "2026"}, "at: expected a time"),
        ({"some_text": "\x00"}, "null character"),
        ("text", "expected an object"),
    ],
)
def test_what_is_not_allowed_is_named(given, said):
    with pytest.raises(Refused) as raised:
        read(KIND, given)
    assert said in raised.value.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*KIND.names]), JSON, max_size=4))
def test_anything_is_read_or_refused(value):
    try:
        found = read(KIND, value)
    except Refused:
        return
    assert set(found) <= set(KIND.fields)
