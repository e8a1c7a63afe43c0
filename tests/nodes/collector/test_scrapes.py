"""Programs that tell their metrics over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nodes.collector.makers import Shelf, ended, trial
from sampan.apiserver import certificates
from sampan.kube import katib
from sampan.kube.errors import BadRequest
from sampan.lib.clock import SystemClock
from sampan.nodes.collector.kept import Kept
from sampan.nodes.collector.options import Options, Rule
from sampan.nodes.collector.scrapes import Scrapes
from sampan.nodes.executor.job import Failed

URL = "http://localhost:8080/metrics"


class Page:
    """A link that answers one request, and keeps it."""

    def __init__(self, body: str | bytes, status: int = 200) -> None:
        said = body if isinstance(body, bytes) else body.encode()
        self._left = [b"HTTP/1.1 %d X\r\n\r\n" % status, said]
        self.asked = b""

    async def read(self) -> bytes:
        return self._left.pop(0) if self._left else b""

    async def write(self, data: bytes) -> None:
        self.asked += data

    async def end(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self._left.clear()


class Now:
    def now(self) -> datetime:
        return datetime(2026, 11, 23, 1, 2, 3, 4, UTC)


class Work:
    """A job whose pod answers with these pages, one after the other."""

    def __init__(self, directory: Path, *pages: Page | Exception) -> None:
        self.directory, self.clock = directory, Now()
        self.pages = list(pages)
        self.log = b""
        self.tls: list[bool] = []

    async def dial(self, port: int, *, tls: bool = False) -> Page:
        assert port == 8080
        self.tls.append(tls)
        page = self.pages.pop(0)
        if isinstance(page, Exception):
            raise page
        return page

    def write(self, lines: bytes) -> int:
        self.log += lines
        return len(self.log)


def scrapes(work: Any, *metrics: str, **options: Any) -> Scrapes:
    given = Options(metrics=metrics or ("loss",), url=options.pop("url", URL), **options)
    return Scrapes(work, given, Kept(work.directory))


def values(work: Work, feed: Scrapes, *, end: bool = True) -> list[tuple[str, str]]:
    """All that is read of the pages."""

    async def story() -> list[tuple[str, str]]:
        found = []
        while work.pages:
            while (piece := await feed.read(ended=False)) is not None:
                assert piece[0] == "scrapes"
                found += piece[1]
        while end and (piece := await feed.read(ended=True)) is not None:
            found += piece[1]
        return [(log.metric, log.value) for log in found]

    return asyncio.run(story())


def pages(*texts: str) -> list[Page]:
    return [Page(f"{text}\n") for text in texts]


@pytest.mark.parametrize(
    ("served", "told"),
    [
        (["loss 3", "loss 2", "loss 1"], ["3", "2", "1"]),
        (["loss 3", "loss 3", "loss 3"], ["3"]),
        (["loss 3 1000", "loss 3 1000", "loss 3 2000"], ["3", "3"]),
        (["", "loss 3", "other 1"], ["3"]),
        (["loss 0", "loss 0.0", "loss 2", "loss 0"], ["2", "0"]),
        (["loss NaN", "loss 0", "loss 2"], ["2"]),
        (["loss 0", "loss 0"], ["0"]),
        (["loss NaN"], ["NaN"]),
        (["loss 1", "loss +Inf"], ["1", "+Inf"]),
    ],
)
def test_what_changes_is_told(tmp_path: Path, served: list[str], told: list[str]) -> None:
    work = Work(tmp_path, *pages(*served))
    assert values(work, scrapes(work)) == [("loss", value) for value in told]


def test_several_metrics_and_labels(tmp_path: Path) -> None:
    text = 'loss{split="train"} 1\nloss{split="test"} 2\nacc 3'
    work = Work(tmp_path, *pages(text))
    assert values(work, scrapes(work, 'loss{split="test"}', "acc")) == [
        ('loss{split="test"}', "2"), ("acc", "3")
    ]  # fmt: skip
    assert work.log.decode().splitlines() == [
        '2026-11-23T01:02:03.000004Z loss{split="test"}=2', "2026-11-23T01:02:03.000004Z acc=3"
    ]  # fmt: skip


def test_the_request_is_what_was_asked_for(tmp_path: Path) -> None:
    page = Page("loss 1\n")
    work = Work(tmp_path, page)
    url = "https://localhost:8080/a/b?c=d"
    values(work, scrapes(work, url=url, headers=("Authorization: Bearer x", "host: me")))
    assert page.asked.decode().split("\r\n") == [
        "GET /a/b?c=d HTTP/1.1", "host: me", "accept: text/plain;version=0.0.4",
        "connection: close", "authorization: Bearer x", "", "",
    ]  # fmt: skip
    assert work.tls == [True]


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (BadRequest("cannot connect to pod p"), f"GET {URL}: cannot connect to pod p"),
        (ConnectionResetError("reset"), f"GET {URL}: reset"),
        (Page("", 404), f"GET {URL}: the answer is 404"),
        (Page("loss ?\n"), f'GET {URL}: line 1 "loss ?": "?" is no number'),
        (Page(b"x" * 5_000_000), f"GET {URL}: the answer is longer than 1048576 bytes"),
        (
            Page("".join(f'loss{{a="{each}"}} 1\n' for each in range(1_001))),
            f"GET {URL}: there are more than 1000 series with the names of the metrics",
        ),
        (Page(b"\xff\xfe\n"), f"at {URL}, which serves nothing"),
        (Page("acc 1\npython_info 1\nspeed 2\n"), f"at {URL}, which serves acc, speed"),
        (
            Page('loss{a="b"} 1\nloss{a="c"} 2\n'),
            'it may be any of 2 series, such as loss{a="b"} and loss{a="c"}',
        ),
    ],
)  # fmt: skip
def test_why_there_is_no_objective_is_said(tmp_path: Path, page: Any, said: str) -> None:
    work = Work(tmp_path, page)
    feed = scrapes(work)
    assert values(work, feed) == []
    assert feed.missing().startswith("Objective metric loss is not found")
    assert feed.missing().endswith(said)


def test_a_program_that_has_ended_is_no_reason(tmp_path: Path) -> None:
    work = Work(tmp_path, *pages("acc 1"), BadRequest("connection refused"))
    feed = scrapes(work)
    assert values(work, feed) == []
    assert feed.missing().endswith(f"at {URL}, which serves acc")


def test_a_program_that_was_never_asked(tmp_path: Path) -> None:
    work = Work(tmp_path)
    feed = scrapes(work)
    assert values(work, feed) == []
    assert feed.missing().endswith(f"nobody asked {URL} before the end")


def test_what_is_no_number_is_said(tmp_path: Path) -> None:
    work = Work(tmp_path, *pages("loss 1", "loss NaN"))
    feed = scrapes(work)
    values(work, feed)
    assert feed.why == f'loss is not a number at {URL}: its value is "NaN"'


def test_what_was_scraped_is_there_after_a_restart(tmp_path: Path) -> None:
    work = Work(tmp_path, *pages("loss 3", "loss 2"))
    assert values(work, scrapes(work), end=False) == [("loss", "3"), ("loss", "2")]
    with (tmp_path / "scraped").open("a") as file:
        file.write('["2026-11-23T')  # it was killed while it wrote
    work.pages = [*pages("loss 2", "loss 1")]
    assert [value for _, value in values(work, scrapes(work))] == ["3", "2", "1"]
    assert work.log.count(b"\n") == 3


def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    rule = Rule("a b", "1", "less", 0)
    with pytest.raises(Failed, match="is no name of a series"):
        scrapes(Work(tmp_path), "loss", rules=(rule,))


# -- real pods ------------------------------------------------------------------------------------
SERVE = """
import http.server, os, ssl, threading
said = ["loss 0\\n"]
class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/metrics" else 404)
        self.end_headers()
        self.wfile.write(said[0].encode())
    def log_message(self, *given):
        pass
server = http.server.HTTPServer(("", 8080), Pages)
if "PEM" in os.environ:
    with open("/var/log/katib/pem", "w") as file:
        file.write(os.environ["PEM"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("/var/log/katib/pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
while not os.path.exists("/var/log/katib/go"):
    try:
        said[0] = open("/var/log/katib/page").read()
    except FileNotFoundError:
        open("/var/log/katib/here", "w").close()
raise SystemExit(CODE)
"""
GET: Mapping[str, Any] = {"path": "/metrics", "port": 8080}


def serving(code: int = 0, **options: Any) -> dict[str, Any]:
    """A pod that serves what stands in the file `page`, until there is a file `go`."""
    line = f"python3 -c '{SERVE.replace('CODE', str(code))}'"
    made = trial(line, "PrometheusMetric", get=options.pop("get", GET), **options)
    made["containers"][0]["image"] = "python:3.11"
    return made


async def say(site: Any, text: str, name: str = "page") -> None:
    await site.eventually(lambda: any(site.home.rglob("here")))
    (here,) = site.home.rglob("here")
    new = here.with_name("new")
    new.write_text(text)
    new.replace(here.with_name(name))


async def told(site: Any, shelf: Shelf, *expected: str) -> None:
    await site.eventually(lambda: [value for _, value in shelf.values] == list(expected))


@pytest.mark.slow
@pytest.mark.parametrize("sandbox", ["bubblewrap", "plain"])
def test_a_program_is_asked_while_it_runs(play: Any, sandbox: str) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        await site.run(**serving())
        await say(site, "loss 3\n")
        await told(site, shelf, "3")
        await say(site, "loss 2\n")
        await told(site, shelf, "3", "2")
        await site.restart()
        await say(site, "loss 1\n")
        await told(site, shelf, "3", "2", "1")
        await say(site, "", "go")
        status = await site.finished()
        said = await site.logs(container=katib.COLLECTOR)
        assert status["phase"] == "Succeeded", (status, said)
        assert [line.split()[1] for line in said.splitlines()] == ["loss=3", "loss=2", "loss=1"]
        assert (shelf.why, len(shelf.final)) == ("", 1)

    play(story, sandbox=sandbox, observations=shelf)


@pytest.mark.slow
def test_a_program_may_speak_tls(play: Any, tmp_path: Path) -> None:
    shelf = Shelf()
    made = certificates.ensure(tmp_path, SystemClock())

    async def story(site: Any) -> None:
        given = serving(get={**GET, "scheme": "HTTPS"})
        pem = made.key.read_text() + made.certificate.read_text()
        given["containers"][0]["env"] = [{"name": "PEM", "value": pem}]
        await site.run(**given)
        await say(site, "loss 3\n")
        await told(site, shelf, "3")

    play(story, observations=shelf)


@pytest.mark.slow
def test_it_is_stopped_early(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        await site.run(**serving(rules=["loss;5;greater;2"]))
        await say(site, "loss 7\n")
        await told(site, shelf, "7")
        await say(site, "loss 6\n")
        assert (await site.finished())["phase"] == "Succeeded"
        assert (shelf.stops, [value for _, value in shelf.values]) == (1, ["7", "6"])

    play(story, observations=shelf)


@pytest.mark.slow
def test_one_that_fails_has_told_nothing(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        await site.run(**serving(code=3))
        await say(site, "loss 7\n")
        await told(site, shelf, "7")
        await say(site, "", "go")
        status = await site.finished()
        assert (status["phase"], ended(status, "main")["exitCode"]) == ("Failed", 3)
        assert ended(status, katib.COLLECTOR)["exitCode"] == 1
        assert shelf.logs == {}

    play(story, observations=shelf)


@pytest.mark.slow
def test_one_that_serves_elsewhere_has_no_objective(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        await site.run(**serving(get={**GET, "path": "/other"}))
        await say(site, "loss 7\n")
        await say(site, "", "go")
        assert (await site.finished())["phase"] == "Succeeded"
        assert shelf.values == [("loss", katib.UNAVAILABLE)]
        assert "http://localhost:8080/other" in shelf.why

    play(story, observations=shelf)
