"""Fields that mean nothing."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.katib.making import JOB, experiment, parameter, template
from sampan.kinds.katib.admit import unread


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({}, []),
        ({"maxTrials": 3}, ["spec.maxTrials"]),
        ({"parameters": [parameter(minimum="1")]}, ["spec.parameters[0].feasibleSpace.minimum"]),
        ({"trialTemplate": template(trialSpec={**JOB, "any": 1}, retian=True)},
         ["spec.trialTemplate.retian"]),
        ({"objective": {"goal": 1, "additionalMetricNames": ["a"], "x": {}}}, ["spec.objective.x"]),
        ({"objective": "up", "parameters": 3}, []),
        ({"nasConfig": {"operations": [{"operationType": "a", "parameters": [{"nme": "b"}]}]}},
         ["spec.nasConfig.operations[0].parameters[0].nme"]),
    ],
)  # fmt: skip
def test_what_nobody_reads(spec: dict[str, Any], fields: list[str]) -> None:
    expected = [f'unknown field "{each}"' for each in fields]
    assert unread.warnings(experiment(**spec)) == expected


def test_there_is_an_end_to_warnings() -> None:
    assert len(unread.warnings(experiment(**{f"x{n}": 1 for n in range(99)}))) == 10
