"""Facts about processes, asked of real ones."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sampan.nodes.supervisor import process

THREADED = """
import subprocess, threading
def work():
    subprocess.run(["sleep", "60"])
threading.Thread(target=work).start()
print(flush=True)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs /proc")
def test_children_of_every_thread_are_found() -> None:
    parent = subprocess.Popen([sys.executable, "-c", THREADED], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent:
        parent.stdout.readline()
        found: list[int] = []
        while not found and parent.poll() is None:
            found = process.children(parent.pid)
        assert process.descendants(parent.pid) == [parent.pid, *found]
        assert len(found) == 1
        for pid in (parent.pid, *found):
            process.kill(pid)
