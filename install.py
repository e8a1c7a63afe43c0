#!/usr/bin/env python3
"""Set Sampan up on a fresh machine and show that it works: `python3 install.py`.

Makes `.venv` beside this file, installs the pinned requirements and Sampan, starts it, applies the
two files of examples/00-seed-workflow unchanged, and prints what the last step printed. Needs
Python 3.11 or newer and nothing else. It may be run again: what is there is used.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
PYTHON = VENV / "bin" / "python"
SAMPAN = VENV / "bin" / "sampan"
EXAMPLE = HERE / "examples" / "00-seed-workflow"
NAMESPACE = "kubeflow-user-example-com"
LEAST_PYTHON = (3, 11)


def main() -> int:
    args = parse()
    if sys.version_info < LEAST_PYTHON:
        return fail(f"Python {'.'.join(map(str, LEAST_PYTHON))} or newer is needed")
    step("Installing into .venv")
    install(args.index_url, ["run"] if args.no_tuning else ["run", "tuning"])
    isolate()
    if args.mirror:
        mirror(args)
    if args.no_demo:
        print(f"\nReady. Start it with {SAMPAN} up")
        return 0
    return demo(args)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-demo", action="store_true", help="install only")
    parser.add_argument(
        "--no-tuning", action="store_true", help="without numpy, scipy, scikit-learn (0.3 GB)"
    )
    parser.add_argument("--home", help="instead of $SAMPAN_HOME (~/.sampan)")
    parser.add_argument("--index-url", help="a mirror of the Python package index")
    parser.add_argument("--mirror", help="a prefix for container images, such as a domestic mirror")
    return parser.parse_args()


def install(index_url: str | None, requirements: list[str]) -> None:
    """The environment has no pip of its own where the machine's can serve: it weighs 17 MB."""
    pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    if not PYTHON.exists():
        quiet(sys.executable, "-m", "venv", "--without-pip", str(VENV))
    if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode:
        quiet(sys.executable, "-m", "venv", "--upgrade-deps", str(VENV))
        pip = [str(PYTHON), "-m", "pip"]
    index = ["--index-url", index_url] if index_url else []
    options = ["--quiet", "--disable-pip-version-check", *index]
    for name in requirements:
        quiet(*pip, "install", *options, "-r", str(HERE / "requirements" / f"{name}.txt"))
    quiet(*pip, "install", *options, "--no-deps", str(HERE))


def isolate() -> None:
    """Bubblewrap gives pods a file system of their own; without it they are plain processes."""
    if sys.platform != "linux" or shutil.which("bwrap"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        step("Installing bubblewrap")
        for command in (["update", "-qq"], ["install", "-qq", "-y", "bubblewrap"]):
            subprocess.run(["apt-get", *command], capture_output=True, check=False)
    if not shutil.which("bwrap"):
        print("   bubblewrap is missing: pods will run without a sandbox (see `sampan doctor`)")


def mirror(args: argparse.Namespace) -> None:
    """Remember the image prefix in the home's config.yaml, unless one is written there."""
    home = Path(args.home or os.environ.get("SAMPAN_HOME") or Path.home() / ".sampan")
    config = home / "config.yaml"
    text = config.read_text() if config.exists() else ""
    if "image_mirror:" not in text:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        config.write_text(f"{text}image_mirror: {args.mirror}\n")


def demo(args: argparse.Namespace) -> int:
    """The seed's workflow: one step writes fifteen lines to a volume, the next one prints them."""
    home = ["--home", args.home] if args.home else []
    if subprocess.run([SAMPAN, "status", *home], capture_output=True, check=False).returncode:
        step("Starting Sampan")
        subprocess.run([SAMPAN, "up", "--detach", *home], check=True)
    step("Applying examples/00-seed-workflow")
    quiet(SAMPAN, "apply", *home, "-n", NAMESPACE, "-f", EXAMPLE / "pvc.yaml")
    made = output(
        SAMPAN, "apply", *home, "-n", NAMESPACE, "-o", "name", "-f",
        EXAMPLE / "argo-workflow-pvc.yaml",
    )  # fmt: skip
    name = made.split()[-1]
    print(f"   {name}")
    phase = "jsonpath={.status.phase}=Succeeded"
    quiet(SAMPAN, "wait", *home, "-n", NAMESPACE, name, "--for", phase, "--timeout", "60s")
    step("What its second step printed")
    workflow = name.partition("/")[2]
    label = f"workflows.argoproj.io/workflow={workflow}"
    pods = output(SAMPAN, "get", *home, "-n", NAMESPACE, "pods", "-l", label, "-o", "name")
    for pod in (pod for pod in pods.split() if "print-text" in pod):
        subprocess.run([SAMPAN, "logs", *home, "-n", NAMESPACE, pod, "-c", "main"], check=True)
    print(f"\nSampan goes on running. Next: export PATH={VENV / 'bin'}:$PATH; sampan status")
    return 0


def step(text: str) -> None:
    print(f"── {text}", flush=True)


def quiet(*command: str | Path) -> None:
    """Run, and show what it printed only if it failed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
        raise SystemExit(fail(f"{' '.join(map(str, command[:4]))} … failed"))


def output(*command: str | Path) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def fail(text: str) -> int:
    print(f"install.py: {text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
