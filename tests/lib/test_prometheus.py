"""The text that Prometheus reads."""

from __future__ import annotations

from sampan.lib.prometheus import Counter, Histogram, gauge, process, render


def test_the_text() -> None:
    requests = Counter("requests_total", "Requests.", ("verb", "path"))
    requests.add(("GET", 'a"b\\c\nd'))
    requests.add(("GET", 'a"b\\c\nd'), 2)
    seconds = Histogram("seconds", "Time.", ("verb",), (0.1, 1))
    for value in (0.05, 0.1):
        seconds.observe(("GET",), value)
    seconds.merge(("GET",), [0, 1, 1], 3.5)
    text = render([requests.family(), seconds, gauge("free", "Free\nnow.", 1.5)]).decode()
    assert text == (
        "# HELP requests_total Requests.\n# TYPE requests_total counter\n"
        'requests_total{verb="GET",path="a\\"b\\\\c\\nd"} 3\n'
        "# HELP seconds Time.\n# TYPE seconds histogram\n"
        'seconds_bucket{verb="GET",le="0.1"} 2\n'
        'seconds_bucket{verb="GET",le="1"} 3\n'
        'seconds_bucket{verb="GET",le="+Inf"} 4\n'
        'seconds_sum{verb="GET"} 3.65\n'
        'seconds_count{verb="GET"} 4\n'
        "# HELP free Free\\nnow.\n# TYPE free gauge\n"
        "free 1.5\n"
    )


def test_this_process() -> None:
    found = {family.name: family.samples[()] for family in process()}
    assert not found or found["process_resident_memory_bytes"] > 1 << 20
