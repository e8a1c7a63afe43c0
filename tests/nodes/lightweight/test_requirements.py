import pytest

from sampan.nodes.lightweight import requirements


@pytest.mark.parametrize(
    "words",
    [
        ("six",), ("pandas>=2,<3", "numpy == 2.*"), ("torch==2.1.0+cu118",), ("a[b,c]~=1.0",),
        ('x>1; python_version<"3.9"',), ("--pre", "six"), ("six", "--no-deps"), ("kfp-kubernetes",),
        ("--index-url", "https://a/index", "--trusted-host", "a", "six"),
        ("--extra-index-url=http://b/index", "six"), ("ruamel.yaml", "zope.interface"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_an_index_names(words: tuple[str, ...]) -> None:
    assert requirements.named(words)


@pytest.mark.parametrize(
    "words",
    [
        (), ("--pre",), ("./six",), ("/mnt/six",), ("six.whl",), ("dist/six-1.0.tar.gz",),
        ("-r", "a"), ("-ra.txt",), ("-e", "."), ("--editable=.",), ("-c", "limits", "six"), (".",),
        ("git+https://a/b.git",), ("six @ https://a/six.whl",), ("https://a/six.whl",),
        ("--find-links", "/mnt", "six"), ("--index-url", "file:///mnt", "six"), ("six", "-i"),
        ("--index-url=", "six"), ("--target", "/x", "six"), ("a b",), ("--root=/", "six"),
        ("a\nb",),
        ("--config-settings=a", "six"), ("sIx.ZIP",), ("",), ("--", "six"),
    ],
    ids=lambda words: " ".join(words) or "nothing",
)  # fmt: skip
def test_what_may_be_something_else_each_time(words: tuple[str, ...]) -> None:
    assert requirements.named(words) is None


def test_a_build_sees_only_what_the_key_knows() -> None:
    env = {"PIP_INDEX_URL": "http://a", "HTTPS_PROXY": "http://p", "CFLAGS": "-O2", "SECRET": "x",
           "KFP_RUN_ID": "1", "PATH": "/usr/bin", "HOME": "/root"}  # fmt: skip
    assert requirements.variables(env) == {
        "PIP_INDEX_URL": "http://a", "HTTPS_PROXY": "http://p", "CFLAGS": "-O2"
    }  # fmt: skip


@pytest.mark.parametrize(
    "env",
    [
        {"PIP_CONFIG_FILE": "/mnt/pip.conf"}, {"PIP_FIND_LINKS": "./wheels"},
        {"SSL_CERT_FILE": "/mnt/ca.pem"}, {"netrc": "~/x"}, {"PIP_INDEX_URL": "file:///mnt"},
    ],
    ids=str,
)  # fmt: skip
def test_a_variable_that_names_a_file_is_the_pod_s_own(env: dict[str, str]) -> None:
    assert requirements.variables(env) is None
