"""From pytest's JUnit files to one table: what passed, what failed, and what could not pass."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Outcome:
    """Names of cases; `hopeless` with the reason."""

    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    hopeless: dict[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return bool(self.passed) and not self.failed


def read(path: Path, hopeless: Mapping[str, str]) -> Outcome:
    """A suite that left no file has not run: that is a failure with its name."""
    outcome = Outcome()
    if not path.exists():
        outcome.failed.append("the suite did not run to its end")
        return outcome
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        bare = case.get("name", "").partition("[")[0]
        if case.find("failure") is not None or case.find("error") is not None:
            why = hopeless.get(case.get("name", "")) or hopeless.get(bare)
            if why:
                outcome.hopeless[name] = why
            else:
                outcome.failed.append(name)
        elif case.find("skipped") is not None:
            outcome.skipped.append(name)
        else:
            outcome.passed.append(name)
    return outcome


def table(outcomes: Mapping[str, Outcome]) -> str:
    lines = [f"{'suite':24}{'passed':>8}{'failed':>8}{'skipped':>9}{'cannot pass':>13}"]
    for name, one in outcomes.items():
        counts = (len(one.passed), len(one.failed), len(one.skipped), len(one.hopeless))
        lines.append("{:24}{:>8}{:>8}{:>9}{:>13}".format(name, *counts))
    for name, one in outcomes.items():
        lines += [f"{name}: FAILED {case}" for case in one.failed]
        lines += [f"{name}: cannot pass {case}: {why}" for case, why in one.hopeless.items()]
    return "\n".join(lines)
