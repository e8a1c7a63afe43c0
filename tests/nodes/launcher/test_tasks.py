"""Pods of pipelines' tasks on a node that is its own launcher, with real processes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from nodes.launcher.makers import (
    CONTENT,
    OWN,
    PATH,
    ROOT,
    a_task,
    carried,
    ended,
    keep,
    kept,
    result,
)
from sampan.kube import launcher

LEVELS = pytest.mark.parametrize("sandbox", ["bubblewrap", "namespaces"])
SHA = f"sha256:{hashlib.sha256(CONTENT.encode()).hexdigest()}"


@LEVELS
def test_parameters_and_artifacts_go_in_and_out(play: Any, sandbox: str) -> None:
    task = a_task(
        inputs={"data": f"{ROOT}/before/salt/data"},
        outputs=("model", "tree", "nothing"),
        parameters={"n": "NUMBER_INTEGER", "text": "STRING"},
    )
    command = f"""
    cat /minio/mlpipeline/v2/artifacts/pipe/run-1/before/salt/data > {PATH}/model
    if echo x 2>/dev/null > /minio/mlpipeline/v2/artifacts/pipe/run-1/before/salt/data
    then exit 9; fi
    mkdir -p {PATH}/tree/deep; echo -n 12345 > {PATH}/tree/deep/file
    echo 41 > /tmp/kfp/outputs/n; echo from the file > /tmp/kfp/outputs/text
    echo '{{"parameterValues": {{"text": "from the program"}}, "artifacts": {{"model":
        {{"artifacts": [{{"name": "x", "metadata": {{"accuracy": 0.5}}}}]}}}}}}' \
        > {PATH}/output_metadata.json
    echo done; echo bad >&2
    """

    async def story(site: Any) -> None:
        keep(site, f"{ROOT}/before/salt/data")
        await site.run(**carried(task, command))
        status = await site.finished()
        assert status["phase"] == "Succeeded", (status, await site.logs())
        found = result(site)
        assert found.parameters == {"n": 41, "text": "from the program"}
        (model,), (tree,) = found.artifacts["model"], found.artifacts["tree"]
        assert (model.uri, model.type) == (f"{OWN}/model", "system.Model")
        assert (model.digest, model.size, model.metadata) == (SHA, 7, {"accuracy": 0.5})
        assert tree.size == 5
        assert (found.artifacts["nothing"][0].digest, found.artifacts["nothing"][0].size) == ("", 0)
        assert kept(site, f"{OWN}/model").read_text() == CONTENT
        assert kept(site, f"{OWN}/tree/deep/file").read_text() == "12345"
        assert not kept(site, f"{OWN}/output_metadata.json").exists()
        assert not kept(site, f"{OWN}/nothing").exists()
        assert kept(site, "minio://mlpipeline/logs/run-1/p.log").read_text() == "done\nbad\n"

    play(story, sandbox=sandbox)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        pytest.param(
            "true",
            'failed to read output parameter name="n" type="NUMBER_INTEGER" '
            'path="/tmp/kfp/outputs/n": open /tmp/kfp/outputs/n: no such file or directory',
            id="missing-parameter",
        ),
        pytest.param(
            "echo 1.5 > /tmp/kfp/outputs/n",
            'TextToPbValue(text="1.5\\n", type="NUMBER_INTEGER") failed: invalid syntax',
            id="wrong-type",
        ),
        pytest.param(
            f"echo 1 > /tmp/kfp/outputs/n; echo '{{\"x\": 1}}' > {PATH}/output_metadata.json",
            f'failed to unmarshall ExecutorOutput in file "{PATH}/output_metadata.json": ',
            id="nonsense-metadata",
        ),
        pytest.param(
            "head -c 100000000 /dev/zero > /tmp/kfp/outputs/n",
            "it has more than 200000 bytes",
            id="huge-parameter",
        ),
        pytest.param(
            "printf '\\377' > /tmp/kfp/outputs/n", "it is no text in UTF-8", id="no-text"
        ),
        pytest.param(
            "mkdir /tmp/kfp/outputs/n", "is a directory", id="directory-as-parameter"
        ),
        pytest.param(
            f"echo 1 > /tmp/kfp/outputs/n; mkdir {PATH}/model; ln -s / {PATH}/model/root",
            f"{PATH}/model/root is a link to a directory",
            id="link-to-directory",
        ),
        pytest.param(
            f"echo 1 > /tmp/kfp/outputs/n; mkfifo {PATH}/model",
            f'failed to upload output artifact "model" to remote storage URI "{OWN}/model": ',
            id="pipe-as-artifact",
        ),
        pytest.param(
            "echo 1 > /tmp/kfp/outputs/n; "
            'echo \'{"artifacts": {"model": {"artifacts": [{"uri": "minio://b/../c"}]}}}\''
            f" > {PATH}/output_metadata.json",
            "leads out of its bucket",
            id="uri-out-of-bucket",
        ),
        pytest.param(
            f"echo 1 > /tmp/kfp/outputs/n; truncate -s 8T {PATH}/model",
            "model has holes: it says that it has 8796093022208 bytes, more than its disk",
            id="larger-than-the-disk",
        ),
        pytest.param(
            f"echo 1 > /tmp/kfp/outputs/n; cd {PATH}; mkdir model; cd model;"
            " i=0; while [ $i -lt 300 ]; do mkdir d; cd d; i=$((i+1)); done",
            "more than 200 directories in one another",
            id="too-deep",
        ),
    ],
)  # fmt: skip
def test_outputs_that_are_not_what_they_should_be_fail_the_task(
    play: Any, command: str, said: str
) -> None:
    async def story(site: Any) -> None:
        task = a_task(outputs=("model",), parameters={"n": "NUMBER_INTEGER"})
        await site.run(**carried(task, command))
        status = await site.finished()
        assert (status["phase"], ended(status)["exitCode"]) == ("Failed", 1)
        assert said in ended(status)["message"]
        assert not ended(status)["message"].startswith("{")

    play(story)


def test_a_task_without_outputs(play: Any) -> None:
    async def story(site: Any) -> None:
        asked = launcher.Task(executorInput={"inputs": {}, "outputs": {}})
        await site.run(**carried(asked, "true"))
        assert (await site.finished())["phase"] == "Succeeded"
        assert result(site) == launcher.Result()

    play(story)


def test_a_program_that_fails_fails_as_it_did(play: Any) -> None:
    async def story(site: Any) -> None:
        command = f"echo said; echo x > {PATH}/model; exit 3"
        await site.run(**carried(a_task(outputs=("model",)), command))
        status = await site.finished()
        assert (status["phase"], ended(status)["exitCode"]) == ("Failed", 3)
        assert "message" not in ended(status)
        assert not kept(site, f"{OWN}/model").exists()
        assert kept(site, "minio://mlpipeline/logs/run-1/p.log").read_text() == "said\n"

    play(story)


def test_a_long_result_is_an_annotation(play: Any) -> None:
    async def story(site: Any) -> None:
        command = "head -c 100000 /dev/zero | tr '\\0' x > /tmp/kfp/outputs/long"
        await site.run(**carried(a_task(parameters={"long": "STRING"}), command))
        status = await site.finished()
        assert status["phase"] == "Succeeded"
        assert "message" not in ended(status)
        assert result(site).parameters == {"long": "x" * 100_000}

    play(story)


def test_links_become_what_the_program_saw(play: Any) -> None:
    command = f"""
    mkdir -p {PATH}/tree /tmp/elsewhere /data
    echo -n one > /tmp/elsewhere/one; ln -s /tmp/elsewhere/one {PATH}/tree/one
    echo -n two > {PATH}/tree/two; ln -s two {PATH}/tree/again
    echo -n three > /data/three; ln -s /data/three {PATH}/tree/three
    ln -s /etc/shadow {PATH}/tree/secret; ln -s /nowhere {PATH}/tree/lost
    mkfifo {PATH}/tree/pipe; echo -n set > {PATH}/tree/setuid; chmod 4711 {PATH}/tree/setuid
    mkdir -m 0 {PATH}/tree/closed; echo -n x > {PATH}/tree/x~tar
    """

    async def story(site: Any) -> None:
        await site.run(**carried(a_task(outputs=("tree",)), command))
        status = await site.finished()
        assert status["phase"] == "Succeeded", (status, await site.logs())
        tree = kept(site, f"{OWN}/tree")
        found = {each.name: each.read_text() for each in tree.iterdir() if each.is_file()}
        assert not any(each.is_symlink() for each in tree.iterdir())
        assert found.pop("secret", "") == ""
        assert found == {
            "one": "one", "two": "two", "again": "two", "three": "three", "setuid": "set",
            "x~tar~": "x",
        }  # fmt: skip
        assert (tree / "setuid").stat().st_mode & 0o7777 == 0o711
        await site.run("next", **carried(a_task(inputs={"tree": f"{OWN}/tree"}),
                                         f"cat {PATH}/tree/x~tar; ls {PATH}/tree/two"))  # fmt: skip
        assert (await site.finished("next"))["phase"] == "Succeeded", await site.logs("next")
        assert (await site.logs("next")).startswith("x")

    play(story)


def test_a_path_of_its_own(play: Any) -> None:
    said = {"artifacts": {"model": {"artifacts": [{"custom_path": "/data/mine"}]}}}
    command = f"""
    mkdir /data; echo -n {CONTENT} > /data/mine
    echo '{json.dumps(said)}' > {PATH}/output_metadata.json
    """

    async def story(site: Any) -> None:
        await site.run(**carried(a_task(outputs=("model",)), command))
        status = await site.finished()
        assert status["phase"] == "Succeeded", (status, await site.logs())
        (model,) = result(site).artifacts["model"]
        assert (model.customPath, model.digest) == ("/data/mine", SHA)
        assert kept(site, f"{OWN}/model").read_text() == CONTENT

    play(story)


def test_what_cannot_be_fetched_fails_before_the_program_begins(play: Any) -> None:
    async def story(site: Any) -> None:
        task = a_task(inputs={"data": "minio://b/../other/x"})
        await site.run(**carried(task, "echo begun"))
        status = await site.finished()
        assert (status["phase"], ended(status)["exitCode"]) == ("Failed", 1)
        said = 'failed to download input artifact "data" from remote storage URI'
        assert said in ended(status)["message"]
        assert said in await site.logs()

    play(story)


def test_what_was_never_made_is_not_there(play: Any) -> None:
    async def story(site: Any) -> None:
        task = a_task(inputs={"data": f"{ROOT}/x/y/data", "web": "https://example.invalid/x"})
        path = "/minio/mlpipeline/v2/artifacts/pipe/run-1/x/y/data"
        await site.run(**carried(task, f"test ! -e {path}"))
        assert (await site.finished())["phase"] == "Succeeded"

    play(story)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["running", "ended"])
def test_a_task_is_collected_after_a_crash(play: Any, when: str) -> None:
    async def story(site: Any) -> None:
        task = a_task(outputs=("model",), parameters={"n": "NUMBER_INTEGER"})
        command = f"""
        while ! test -e /data/go; do sleep 0.02; done
        echo 7 > /tmp/kfp/outputs/n; echo -n {CONTENT} > {PATH}/model
        """
        gate = site.home.parent / "gate"
        gate.mkdir()
        volumes = [{"name": "v", "hostPath": {"path": str(gate)}}]
        mounted = carried(task, command, volumes=volumes)
        mounted["container"]["volumeMounts"] = [{"name": "v", "mountPath": "/data"}]
        await site.run(**mounted)
        await site.running()
        if when == "running":
            await site.restart()
            (gate / "go").touch()
        else:
            client = site.node.context.client
            await site.node.stop()
            (gate / "go").touch()
            site.node = site.make()
            del client
            await site.node.start()
        assert (await site.finished())["phase"] == "Succeeded"
        assert result(site).parameters == {"n": 7}
        assert result(site).artifacts["model"][0].digest == SHA
        assert kept(site, f"{OWN}/model").read_text() == CONTENT

    play(story)
