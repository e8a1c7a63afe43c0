from __future__ import annotations

import pytest

from sampan.nodes.executor.flags import Flags, read
from sampan.nodes.executor.job import Failed


@pytest.mark.parametrize(
    ("given", "flags"),
    [
        ([], Flags()),
        (["pod", "web"], Flags((("pod", "web"),))),
        (["pods", "a", "b"], Flags((("pods", "a"), ("pods", "b")))),
        (["deploy/a", "pod/b"], Flags((("deploy", "a"), ("pod", "b")))),
        (["--validate=false"], Flags(set={"--validate": "false"})),
        (["--force", "--grace-period=0"], Flags(set={"--force": "true", "--grace-period": "0"})),
        (["-n", "other", "--subresource", "status"],
         Flags(set={"--namespace": "other", "--subresource": "status"})),
        (["-nother"], Flags(set={"--namespace": "other"})),
        (["pod", "web", "-p", '{"a": 1}'], Flags((("pod", "web"),), {"--patch": '{"a": 1}'})),
    ],
)  # fmt: skip
def test_flags(given: list[str], flags: Flags) -> None:
    assert read(given) == flags


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (["--nothing"], "unknown flag: --nothing"),
        (["-z"], "unknown shorthand flag: -z"),
        (["--kubeconfig=/x"], "--kubeconfig is not supported"),
        (["--as=admin"], "--as is not supported"),
        (["-l", "a=b"], "--selector is not supported"),
        (["pod"], "the name of the object of type 'pod' is missing"),
        (["pod/web", "other"], "there is no need to specify a resource type"),
    ],
)
def test_what_is_not_carried_out_is_refused(given: list[str], fault: str) -> None:
    with pytest.raises(Failed, match=fault):
        read(given)


def test_a_switch_may_be_off() -> None:
    assert not read(["--force=false"]).has("--force")
    assert read(["--force"]).has("--force")
