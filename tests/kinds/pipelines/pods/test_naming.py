"""Names of pods: valid whatever they are made of, the same for the same, others for others."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from sampan.kinds.pipelines.pods import naming
from sampan.kube import formats

PART = r"[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?"
RUNS = st.from_regex(rf"{PART}(\.{PART}){{0,3}}", fullmatch=True)


@given(RUNS, st.text(max_size=300), st.integers(0, 10))
def test_a_pods_name_is_a_hosts_name_and_a_label(run: str, path: str, attempt: int) -> None:
    name = naming.pod(run, path, attempt)
    assert formats.dns_subdomain(name) is None
    assert formats.label_value(name) is None
    assert naming.pod(run, path, attempt) == name


@given(RUNS)
def test_the_runs_label_is_one(run: str) -> None:
    assert formats.label_value(naming.label(run)) is None


def test_a_name_says_run_and_task() -> None:
    name = naming.pod("hello-x1", "for-loop-1/[3]/Print Op", 0)
    assert name.startswith("hello-x1-print-op-")
    assert naming.pod("hello-x1", "for-loop-1/[4]/Print Op", 0) != name
    assert naming.pod("hello-x1", "for-loop-1/[3]/Print Op", 1) != name


def test_many_iterations_have_many_names() -> None:
    made = {naming.pod("r", f"loop/[{index}]/op", 0) for index in range(20_000)}
    assert len(made) == 20_000


def test_a_unique_name_has_the_form_of_a_uuid() -> None:
    found = naming.unique("run", "path")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", found)
    assert found != naming.unique("run", "other")
