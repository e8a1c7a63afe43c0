"""Which rights somebody does not have himself, and how they are shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.kube.access import Attributes, rule_allows
from sampan.kube.grants import EVERYTHING, described, missing


def rule(verbs: str, resources: str = "", group: str = "", **more: Any) -> dict[str, Any]:
    return {
        "verbs": verbs.split(),
        "apiGroups": [group],
        "resources": resources.split(),
        **more,
    }


CASES = [
    pytest.param([rule("get list", "pods")], [rule("get", "pods")], [], id="less"),
    pytest.param(
        [rule("get", "pods")],
        [rule("get list watch", "pods"), rule("get", "secrets")],
        ['{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}',
         '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}'],
        id="more",
    ),
    pytest.param([rule("*", "*")], [rule("get", "pods")], [], id="stars-cover"),
    pytest.param(
        [rule("get", "pods")], [rule("*", "pods")],
        ['{APIGroups:[""], Resources:["pods"], Verbs:["*"]}'], id="a-star-is-more-than-all-it-is",
    ),
    pytest.param([rule("get", "*/log")], [rule("get", "pods/log")], [], id="any-log"),
    pytest.param(
        [rule("get", "pods", resourceNames=["a"])], [rule("get", "pods")],
        ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}'], id="one-name-is-not-all",
    ),
    pytest.param(
        [rule("get", "pods", resourceNames=["a"])],
        [rule("get", "pods", resourceNames=["a", "b"])],
        ['{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get"]}'],
        id="another-name",
    ),
    pytest.param(
        [{"verbs": ["get"], "nonResourceURLs": ["/api/*"]}],
        [{"verbs": ["get"], "nonResourceURLs": ["/api/x", "/metrics"]}],
        ['{NonResourceURLs:["/metrics"], Verbs:["get"]}'], id="paths",
    ),
    pytest.param(EVERYTHING, EVERYTHING, [], id="everything-covers-itself"),
]  # fmt: skip


@pytest.mark.parametrize(("held", "wanted", "shown"), CASES)
def test_missing_rights(held: Any, wanted: Any, shown: list[str]) -> None:
    assert described(missing(held, wanted)) == shown


WORDS = st.sampled_from(["a", "b", "*", "a/x", "*/x"])
RULES = st.lists(
    st.fixed_dictionaries(
        {
            "verbs": st.lists(st.sampled_from(["get", "list", "*"]), min_size=1, max_size=2),
            "apiGroups": st.lists(st.sampled_from(["", "apps", "*"]), min_size=1, max_size=2),
            "resources": st.lists(WORDS, min_size=1, max_size=2),
        },
        optional={"resourceNames": st.lists(st.sampled_from(["n", "m"]), max_size=2)},
    ),
    max_size=3,
)
ASKED = st.builds(
    Attributes,
    st.sampled_from(["get", "list", "delete"]),
    group=st.sampled_from(["", "apps", "batch"]),
    resource=st.sampled_from(["a", "b"]),
    subresource=st.sampled_from(["", "x"]),
    name=st.sampled_from(["", "n", "m"]),
)


@given(RULES, RULES, ASKED)
def test_who_misses_nothing_may_do_all_that_the_rules_allow(
    held: Any, wanted: Any, asks: Attributes
) -> None:
    if not missing(held, wanted) and any(rule_allows(each, asks) for each in wanted):
        assert any(rule_allows(each, asks) for each in held)
