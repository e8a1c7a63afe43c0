"""The front page: which components are ready, and how to reach the cluster.

One dataclass in, HTML out. It is no dashboard and shows no object: nobody is logged in here.
"""

from __future__ import annotations

from html import escape

from msgspec import Struct


class Front(Struct, frozen=True):
    """The whole context of the page: (name, ready, message) rows and the API's address."""

    components: tuple[tuple[str, bool, str], ...]
    api: str


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Sampan</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 4rem auto; padding: 1rem }}
h1 {{ font-weight: 600 }} td {{ padding: .2rem 1.5rem .2rem 0; vertical-align: top }}
code {{ background: #8881; padding: .1rem .3rem; border-radius: .2rem }}
.yes {{ color: #197a3e }} .no {{ color: #b3261e }}
@media (prefers-color-scheme: dark) {{ body {{ background: #111; color: #ddd }} }}
</style>
<h1>Sampan</h1>
<p>A Kubernetes API with Kubeflow's controllers runs on this machine at <code>{api}</code>.</p>
<table>{rows}</table>
<p>In a terminal: <code>export KUBECONFIG=$(sampan kubeconfig)</code>, then
<code>kubectl get pods -A</code> or <code>sampan get pods -A</code>.</p>
</html>
"""


def page(front: Front) -> str:
    rows = "".join(
        f'<tr><td>{escape(name)}<td class="{"yes" if ready else "no"}">'
        f"{'ready' if ready else 'not ready'}<td>{escape(message)}</tr>"
        for name, ready, message in front.components
    )
    return _PAGE.format(api=escape(front.api), rows=rows)
