"""Ids that are functions of a name."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from sampan.kube import uids


@given(st.uuids(), st.text())
def test_an_id_is_that_of_version_five(space: uuid.UUID, name: str) -> None:
    try:
        expected = str(uuid.uuid5(space, name))
    except UnicodeEncodeError:  # half a pair
        return
    assert uids.named(str(space), name) == expected


def test_a_run_of_a_schedule_has_upstreams_id() -> None:
    assert uids.of_scheduled_run("uid-1", "tick-1") == "05bd5ca6-269f-53aa-90da-ee8b8e7ff0a3"
