from __future__ import annotations

import os

from sampan.nodes.supervisor import enter, process


def test_the_environment_is_looked_for_again_while_programs_are_exchanged(monkeypatch):
    """Seen once: a command beside a program that had just begun had no variables."""
    answers = iter([{}, {}, {"COLOR": "red"}])
    monkeypatch.setattr(process, "environment", lambda pid: next(answers))
    assert enter._environment(1) == {"COLOR": "red"}


def test_a_process_without_environment_is_not_waited_for_long(monkeypatch):
    asked = []
    monkeypatch.setattr(process, "environment", lambda pid: asked.append(pid) or {})
    assert enter._environment(os.getpid()) == {}
    assert 1 < len(asked) < 100
