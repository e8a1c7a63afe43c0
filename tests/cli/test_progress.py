"""Only what is slow is told."""

import threading

from sampan.cli import progress


def test_a_quick_thing_says_nothing(capsys):
    with progress.told("waiting"):
        pass
    assert capsys.readouterr().err == ""


def test_a_slow_thing_says_what_it_is(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    said = threading.Event()
    real = print

    def shout(*words, **options):
        real(*words, **options)
        said.set()

    monkeypatch.setitem(vars(progress), "print", shout)
    with progress.told("waiting"):
        assert said.wait(10)
    assert capsys.readouterr().err == "waiting …\n"
