"""The store against a dict: any mix of writes, restarts and compactions."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from sampan.kube.keys import Key
from sampan.store.objects import Store
from sampan.store.records import Compacted, Event, Index

Step = tuple[str, str, str]
steps = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "put", "delete", "restart", "compact", "flush"]),
        st.sampled_from(["ns", "ns-a", "other"]),
        st.sampled_from(["a", "b", "c", "d"]),
    ),
    max_size=40,
)


class Model:
    """What the store should hold, at each revision."""

    def __init__(self) -> None:
        self.now: dict[Key, int] = {}
        self.at: dict[int, dict[Key, int]] = {0: {}}

    def put(self, key: Key, revision: int) -> None:
        self.now = {**self.now, key: revision}
        self.at[revision] = self.now

    def delete(self, key: Key, revision: int) -> None:
        self.now = {other: rv for other, rv in self.now.items() if other != key}
        self.at[revision] = self.now


async def play(path: Path, script: list[Step]) -> None:
    store, model, revision, events = Store(path), Model(), 0, list[Event]()
    store.subscribe("*", events.append)
    futures = []
    for verb, namespace, name in script:
        key = Key("Pod", namespace, name)
        newest = store.newest(key)
        assert (newest.revision if newest else 0) == model.now.get(key, 0)
        if verb == "put" or (verb == "delete" and newest):
            revision += 1
            data = b"%d" % revision
            type_ = "DELETED" if verb == "delete" else "MODIFIED" if newest else "ADDED"
            futures.append(
                store.write(
                    type_,
                    key,
                    lambda rv, data=data: (data, Index()),
                    expect=newest.revision if newest else 0,
                )
            )
            (model.delete if verb == "delete" else model.put)(key, revision)
        elif verb in ("restart", "flush", "compact"):
            await asyncio.gather(*futures)
            futures = []
            if verb == "compact":
                store.compact(revision - 3)
            if verb == "restart":
                await store.close()
                store = Store(path)
                store.subscribe("*", events.append)
    await asyncio.gather(*futures)
    assert [event.record.revision for event in events] == list(range(1, revision + 1))
    check(store, model)
    await store.close()


def check(store: Store, model: Model) -> None:
    for revision, expected in model.at.items():
        try:
            records = list(store.page("Pod", revision=revision)) if revision else []
        except Compacted:
            continue
        if revision:
            assert {r.key: r.revision for r in records} == expected
            assert [r.key for r in records] == sorted(expected)
            assert all(r.data == b"%d" % r.revision for r in records)
    assert {r.key: r.revision for r in store.records("Pod")} == model.now
    kept = store.history.since(store.history.floor)
    assert [event.record.revision for event in kept] == [
        revision for revision in model.at if revision > store.history.floor
    ]


@settings(max_examples=60, deadline=None)
@given(steps)
def test_the_store_behaves_like_a_dict_of_revisions(script: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(play(Path(directory) / "objects.db", script))
