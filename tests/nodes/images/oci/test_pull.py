"""Pulling: from a real registry, and from one that is slow, broken, or hostile."""

from __future__ import annotations

import base64
import gzip
import io
import os
import shutil
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nodes.images.oci.scripted import Answer, Request, image, serve
from registry import ARCHITECTURE, PASSWORD, USER, Layer, Registry, Unavailable, busybox_layer
from sampan.config import Mirror
from sampan.config import Registry as Setting
from sampan.nodes.images.oci import registry, web
from sampan.nodes.images.oci.errors import NotThere, PullError, Unreachable
from sampan.nodes.images.oci.login import Login
from sampan.nodes.images.oci.pull import pull
from sampan.nodes.images.oci.store import Record, Store
from sampan.nodes.images.oci.unpack import Limits
from sampan.nodes.images.oci.wish import Policy, Wish


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_PAUSE", 0.001)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "images")


def get(store: Store, name: str, policy: Policy = "Always", **more: object) -> Record:
    return pull(store, Wish(image=name, policy=policy, **more), lambda _done, _of: None)  # type: ignore[arg-type]


def tar(**files: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


# -- a real registry ------------------------------------------------------------------------------
def test_an_image_is_pulled_once_and_its_layers_are_shared(
    store: Store, docker_registry: Registry
) -> None:
    record = get(store, f"{docker_registry.name}/library/nginx")
    assert record.identity() == f"{docker_registry.name}/library/nginx@{record.digest}"
    settings = store.config(record).config
    assert settings is not None
    assert settings.Entrypoint == ["/docker-entrypoint.sh"]
    assert settings.StopSignal == "SIGQUIT"
    before = set(os.listdir(store.root / "layers"))
    busybox = get(store, f"{docker_registry.name}/library/busybox:latest")
    assert set(os.listdir(store.root / "layers")) == before
    assert busybox.layers == record.layers[:1]


def test_an_index_leads_to_this_machines_image(store: Store, docker_registry: Registry) -> None:
    base = busybox_layer()
    mine = docker_registry.push("team/multi", "mine", [base], Cmd=["mine"])
    other = docker_registry.push("team/multi", "other", [base], platform="s390x", Cmd=["other"])
    architectures = {"s390x": other, ARCHITECTURE: mine}
    whole = docker_registry.index("team/multi", "1", architectures)
    record = get(store, f"{docker_registry.name}/team/multi:1")
    assert (record.digest, record.manifest) == (whole, mine)
    again = get(store, f"{docker_registry.name}/team/multi@{whole}")
    assert again.digest == whole
    with pytest.raises(NotThere, match="linux/s390x"):
        get(store, f"{docker_registry.name}/team/multi:other")


def test_a_tag_moves_when_it_is_asked_for_always(store: Store, docker_registry: Registry) -> None:
    name = f"{docker_registry.name}/team/moving"
    first = docker_registry.push("team/moving", "latest", [Layer().file("a", "1").done()])
    assert get(store, name).digest == first
    second = docker_registry.push("team/moving", "latest", [Layer().file("a", "2").done()])
    assert get(store, name, "IfNotPresent").digest == first
    assert get(store, name).digest == second
    assert [record.names for record in store.records() if record.digest == first] == [[]]
    removed = store.prune((), all_unused=False)
    assert (removed.images, removed.layers) == ([first], 1)
    assert [record.digest for record in store.records()] == [second]


def test_what_has_not_changed_is_not_fetched_again(
    store: Store, docker_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = get(store, f"{docker_registry.name}/library/busybox")

    def never(*_: object) -> tuple[bytes, str]:
        raise AssertionError("the manifest was asked for")

    monkeypatch.setattr(registry.Repository, "manifest", never)
    assert get(store, f"{docker_registry.name}/library/busybox") == first


def test_two_that_pull_the_same_do_not_disturb_each_other(
    store: Store, docker_registry: Registry
) -> None:
    with ThreadPoolExecutor(4) as pool:
        name = f"{docker_registry.name}/library/nginx"
        digests = {each.digest for each in pool.map(lambda _: get(store, name), range(4))}
    assert len(digests) == 1
    assert not [name for name in os.listdir(store.root / "layers") if name.startswith(".")]


def test_a_login_is_needed_where_one_is(store: Store, tmp_path: Path) -> None:
    try:
        with Registry(tmp_path / "registry", login=True) as private:
            private.push("team/app", "latest", [busybox_layer()])
            name = f"{private.name}/team/app"
            with pytest.raises(NotThere, match="needs a login"):
                get(store, name)
            wrong, right = (Login(private.name, USER, word) for word in ("x", PASSWORD))
            with pytest.raises(NotThere, match="needs a login"):
                get(store, name, logins=(wrong,))
            assert get(store, name, logins=(wrong, right)).names == [f"{name}:latest"]
            setting = Setting(host=private.name, username=USER, password=PASSWORD)
            assert get(store, name, registries=(setting,))
    except Unavailable as error:
        pytest.skip(str(error))


def test_a_mirror_is_asked_first(store: Store, docker_registry: Registry) -> None:
    docker_registry.push("hub/library-thing", "1", [Layer().file("a", "1").done()])
    mirrors = (Mirror(prefix="docker.io", at=f"{docker_registry.name}/hub", join="-"),)
    record = get(store, "thing:1", mirrors=mirrors)
    assert record.names == ["docker.io/library/thing:1"]
    missing = Mirror(prefix=docker_registry.name, at=f"{docker_registry.name}/nothing/here")
    assert get(store, f"{docker_registry.name}/library/busybox", mirrors=(missing,))


def test_what_is_not_there_is_said(store: Store, docker_registry: Registry) -> None:
    for name in ("library/nothing", "library/nginx:nothing"):
        with pytest.raises(NotThere, match="not found"):
            get(store, f"{docker_registry.name}/{name}")


@pytest.mark.skipif(not shutil.which("zstd"), reason="no zstd here")
def test_zstd_is_read_by_its_program(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = tar(a="1")
    blob = subprocess.run(["zstd", "-qc"], input=layer, capture_output=True, check=True).stdout
    answers, _ = image(layer, blob=blob)
    with serve(answers) as script:
        get(store, f"{script.name}/x")
        other = Store(store.root / "other")
        monkeypatch.setenv("PATH", "/nowhere")
        with pytest.raises(PullError, match="install the program zstd"):
            get(other, f"{script.name}/x")


# -- half of it -----------------------------------------------------------------------------------
def test_a_layer_that_breaks_off_is_continued(store: Store) -> None:
    answers, blob = image(tar(a=os.urandom(3000).hex()))
    whole = answers[f"/v2/x/blobs/{blob}"]
    assert isinstance(whole, Answer)
    body = whole.body

    def halves(request: Request) -> Answer:
        begin = int(request.headers.get("Range", "bytes=0-")[6:-1])
        rest = body[begin:]
        cut = len(rest) // 2 if request.number < 2 else None
        return Answer(206 if begin else 200, rest, cut=cut)

    answers[f"/v2/x/blobs/{blob}"] = halves
    with serve(answers) as script:
        get(store, f"{script.name}/x")
    ranges = [r.headers.get("Range") for r in script.seen if blob in r.path]
    assert ranges[0] is None
    assert len(ranges) == 3
    assert all(ranges[1:])


def test_a_registry_that_never_sends_the_rest_is_given_up(store: Store) -> None:
    answers, blob = image(tar(a="1" * 1000))
    whole = answers[f"/v2/x/blobs/{blob}"]
    assert isinstance(whole, Answer)
    answers[f"/v2/x/blobs/{blob}"] = Answer(200, whole.body, cut=40)
    with serve(answers) as script, pytest.raises(PullError, match=f"40 of {len(whole.body)} bytes"):
        get(store, f"{script.name}/x")
    assert sum(blob in request.path for request in script.seen) == 4
    with serve({**answers, f"/v2/x/blobs/{blob}": whole}) as script:
        get(store, f"{script.name}/x")  # what a later registry sends replaces the half


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"something else of the same kind", "what came for sha256|has 31 bytes and not"),
        (b"", "0 of"),
    ],
)
def test_a_blob_must_be_what_it_was_asked_for(store: Store, body: bytes, message: str) -> None:
    answers, blob = image(tar(a="1"), size=31)
    answers[f"/v2/x/blobs/{blob}"] = Answer(200, body)
    with serve(answers) as script, pytest.raises(PullError, match=message):
        get(store, f"{script.name}/x")
    assert not store.blob(blob).exists()


def test_a_blob_has_no_more_bytes_than_were_said(store: Store) -> None:
    answers, blob = image(tar(a="1"), size=10)
    with serve(answers) as script, pytest.raises(PullError, match="11 bytes and not 10"):
        get(store, f"{script.name}/x")
    assert not store.blob(blob).exists()


# -- hostile --------------------------------------------------------------------------------------
def test_a_layer_must_unpack_to_what_the_image_says(store: Store) -> None:
    answers, _ = image(tar(a="1"), diff="sha256:" + "0" * 64)
    with serve(answers) as script, pytest.raises(PullError, match="and the image says"):
        get(store, f"{script.name}/x")
    assert os.listdir(store.root / "layers") == []


def test_a_bomb_leaves_nothing_behind(store: Store) -> None:
    answers, _ = image(tar(a="0" * 300_000))
    limits = Limits(ratio=100, small=1000)
    with serve(answers) as script, pytest.raises(PullError, match="unpacks to more than"):
        pull(store, Wish(image=f"{script.name}/x"), lambda _done, _of: None, limits)
    assert os.listdir(store.root / "layers") == []
    assert store.records() == []


@pytest.mark.parametrize(
    "blob",
    [b"no gzip, no tar", gzip.compress(b"\0" * 600)[:-9], gzip.compress(b"x" * 600)],
    ids=["noise", "cut", "no-tar"],
)
def test_noise_is_no_layer(store: Store, blob: bytes) -> None:
    answers, _ = image(tar(), blob=blob)
    with serve(answers) as script, pytest.raises(PullError, match=r"tar|gzip|the image says"):
        get(store, f"{script.name}/x")


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.2:80/", "http://169.254.169.254/latest", "file:///etc/passwd", "ftp://a/b"],
)
def test_a_redirect_to_plain_http_elsewhere_is_refused(store: Store, target: str) -> None:
    answers, blob = image(tar(a="1"))
    answers[f"/v2/x/blobs/{blob}"] = Answer(307, Location=target)
    with serve(answers) as script, pytest.raises(PullError, match="redirect"):
        get(store, f"{script.name}/x")


def test_a_redirect_within_the_registry_is_followed_without_the_login(store: Store) -> None:
    answers, blob = image(tar(a="1"))
    moved = answers.pop(f"/v2/x/blobs/{blob}")
    answers[f"/v2/x/blobs/{blob}"] = Answer(307, Location="/elsewhere")
    answers["/elsewhere"] = moved
    with serve(answers) as script:
        get(store, f"{script.name}/x", logins=(Login(script.name, "me", "secret"),))
        assert [r.headers.get("Authorization") for r in script.seen if r.path == "/elsewhere"] == [
            None
        ]


@pytest.mark.parametrize("realm", ["http://127.0.0.2:1/token", "http://evil.example/t", "x", ""])
def test_a_login_is_not_sent_to_strangers_in_the_clear(store: Store, realm: str) -> None:
    challenge = f'Bearer realm="{realm}",service="s"'
    answers = {"/v2/x/manifests/latest": Answer(401, WWW_Authenticate=challenge)}
    with serve(answers) as script, pytest.raises(PullError, match="not HTTPS"):
        get(store, f"{script.name}/x", logins=(Login(script.name, "me", "secret"),))


def test_a_token_is_fetched_once_for_all_requests(store: Store) -> None:
    answers, blob = image(tar(a="1"))

    def guarded(answer: Answer) -> object:
        def answered(request: Request) -> Answer:
            if request.headers.get("Authorization") == "Bearer abc":
                return answer
            host = request.headers["Host"]
            return Answer(401, WWW_Authenticate=f'Bearer realm="http://{host}/token",service="s"')

        return answered

    guards = {path: guarded(each) for path, each in answers.items() if isinstance(each, Answer)}
    guards["/token"] = Answer(200, b'{"token": "abc"}')
    with serve(guards) as script:  # type: ignore[arg-type]
        get(store, f"{script.name}/x", logins=(Login(script.name, "me", "pw"),))
        tokens = [request for request in script.seen if request.path.startswith("/token")]
        assert len(tokens) == 1
        assert "scope=repository%3Ax%3Apull" in tokens[0].path
        basic = "Basic " + base64.b64encode(b"me:pw").decode()
        assert tokens[0].headers["Authorization"] == basic
    assert store.blob(blob).exists()


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, "sha512:" + "0" * 128])
def test_a_digest_is_a_promise(store: Store, digest: str) -> None:
    answers, _ = image(tar(a="1"))
    answers[f"/v2/x/manifests/{digest}"] = answers["/v2/x/manifests/latest"]
    with serve(answers) as script, pytest.raises(PullError, match="for the manifest"):
        get(store, f"{script.name}/x@{digest}")


def test_a_manifest_without_end_is_not_read(store: Store) -> None:
    answers = {"/v2/x/manifests/latest": Answer(200, b"0" * (5 << 20))}
    with serve(answers) as script, pytest.raises(PullError, match="longer than"):
        get(store, f"{script.name}/x")


def test_nobody_there_is_said_at_once(store: Store) -> None:
    with pytest.raises(Unreachable, match="refused"):
        get(store, "127.0.0.1:1/x")


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost:5000", True), ("127.0.0.9", True), ("[::1]:5", True), ("localhost.evil", False),
     ("127.0.0.1.evil.example", False), ("10.0.0.1", False)],
)  # fmt: skip
def test_loopback_is_a_matter_of_the_address(host: str, expected: bool) -> None:
    assert web.is_loopback(host) is expected
    assert web.Web(host).plain is expected
    assert web.Web(host, insecure=True).plain


def test_a_spoilt_index_is_said(store: Store) -> None:
    store.root.mkdir()
    (store.root / "index.json").write_text("{")
    with pytest.raises(PullError, match=r"index\.json cannot be read"):
        store.records()


def test_a_lost_blob_is_fetched_again(store: Store, docker_registry: Registry) -> None:
    name = f"{docker_registry.name}/library/busybox"
    record = get(store, name)
    os.unlink(store.blob(record.layers[0].blob))
    store.layer(record.layers[0].diff, owned=False).rename(store.root / "gone")
    assert get(store, name, "IfNotPresent").digest == record.digest
    assert store.complete(record, owned=False)
