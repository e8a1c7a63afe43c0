"""`sampan up`, as far as it is not seen from outside (tests/faces)."""

import os

from sampan.cli import main


def test_who_waits_for_the_start_waits_for_no_process_of_ours(monkeypatch, tmp_path):
    seen = []

    def run(_home, _config, _ready, *, detached):
        seen.append((detached, os.get_inheritable(writer)))
        return 0

    reader, writer = os.pipe()
    try:
        os.set_inheritable(writer, True)
        monkeypatch.setattr("sampan.app.run", run)
        assert main.main(["up", "--home", str(tmp_path), "--ready-fd", str(writer)]) == 0
    finally:
        os.close(reader)
        os.close(writer)
    assert seen == [(True, False)]
