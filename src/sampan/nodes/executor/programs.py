"""What the executor's image can be asked to do, by its subcommand.

A program is a coroutine that is given its `Job` and raises `Failed`. Blocking work on files belongs
into threads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from sampan.kube import argoexec
from sampan.nodes.executor import agent, artifact, data, init, resource, wait
from sampan.nodes.executor.job import Failed, Job

Program = Callable[[Job], Awaitable[None]]

PROGRAMS: Mapping[str, Program] = {
    argoexec.AGENT: agent.run,
    argoexec.ARTIFACT: artifact.run,
    argoexec.INIT: init.run,
    argoexec.WAIT: wait.run,
    argoexec.DATA: data.run,
    argoexec.RESOURCE: resource.run,
}


def named(subcommand: str) -> Program:
    """Failed when the image knows no such one."""
    try:
        return PROGRAMS[subcommand]
    except KeyError:
        raise Failed(f'unknown command "{subcommand}" for "argoexec"') from None
