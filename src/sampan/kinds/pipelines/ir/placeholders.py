"""`{{$.inputs…}}`, `{{$.outputs…}}`, `{{$}}`, IfPresent and Concat in what a container is given.

    {{$}}  {{$.json_escape[1]}}                                    the ExecutorInput as JSON
    {{$.inputs.parameters['x']}}  {{$.outputs.parameters['x'].output_file}}
    {{$.inputs.artifacts['x'].uri|path|name|metadata|metadata['k']}}  {{$.outputs.artifacts['x']…}}
    {{$.inputs.artifacts['x']}}                                    all of a list of artifacts
    {{$.outputs.output_file}}  {{$.pipeline_job_name}} …           see `resolve.filled`
    {"IfPresent": {"InputName": …, "Then": …, "Else": …}}  {"Concat": […]}

What is inserted is never read again. A placeholder that means nothing stays as it is, as upstream.
Upstream: backend/src/v2/driver/util.go (resolveContainerArgs; IfPresent alone) and
backend/src/v2/component/launcher_v2.go (getPlaceholders); Concat and json_escape as kfp.local and
Vertex AI have them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sampan.kinds.pipelines.ir import locations, values
from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.kinds.pipelines.ir.filling import LONGEST, substituted
from sampan.kinds.pipelines.ir.resolve import RunFacts, Values, filled

_PLACEHOLDER = re.compile(
    r"\{\{\$(?:\.(?P<side>inputs|outputs)\.(?P<kind>parameters|artifacts)"
    r"\[(?P<quote>'{1,2}|\")(?P<name>[^'\"{}]{1,1000})(?P=quote)\](?P<rest>[^{}]*?)"
    r"|\.(?P<file>outputs\.output_file|outputMetadataUri)"
    r"|(?P<all>))(?:\.json_escape\[(?P<escape>[0-9])\])?\}\}"
)
_KEY = re.compile(r"\.metadata\[(['\"])(.+?)\1\]")
_STRUCTURES = ('{"IfPresent":', '{"Concat":')


class Placeholders:
    """Those of one task. given: its inputs as resolved, without defaults (for IfPresent)."""

    def __init__(
        self,
        executor_input: Mapping[str, Any],
        given: Values,
        run: RunFacts,
        task: str,
        task_id: str = "",
    ) -> None:
        self._executor_input = executor_input
        self._given = given
        self._about = (run, task, task_id)
        self._json = ""

    def text(self, template: str) -> str:
        """An image, a value of env, a quantity. Raises Unresolved."""
        if "{{$" not in template:
            return template
        return substituted(_PLACEHOLDER, self._said, filled(template, *self._about))

    def words(self, templates: Sequence[str]) -> list[str]:
        """A command or args: an IfPresent may make none or several of one. Raises Unresolved."""
        found: list[str] = []
        for template in templates:
            if template.lstrip().startswith(_STRUCTURES):
                found += self._structure(template)
            else:
                found.append(self.text(template))
        return found

    def _structure(self, template: str) -> list[str]:
        try:
            return self._parts(json.loads(template))
        except ValueError as error:
            short = template[:60]
            raise Unresolved(f"failed to parse IfPresent JSON: {short}: {error}") from None
        except RecursionError:
            raise Unresolved("an IfPresent or Concat is nested too deeply") from None

    def _parts(self, node: Any) -> list[str]:
        """The words that a part of a structure makes."""
        if node is None:
            return []
        if isinstance(node, str):
            return self.words([node])
        if isinstance(node, list):
            return [word for each in node for word in self._parts(each)]
        if isinstance(node, dict) and isinstance(node.get("Concat"), list):
            return ["".join(self._parts(node["Concat"]))]
        if isinstance(node, dict) and isinstance(node.get("IfPresent"), dict):
            clause = node["IfPresent"]
            present = self._present(str(clause.get("InputName")))
            return self._parts(clause.get("Then" if present else "Else"))
        raise Unresolved(f"unexpected type in IfPresent Then/Else: {values.kind_of(node)}")

    def _present(self, name: str) -> bool:
        given = self._given
        return given.parameters.get(name) is not None or bool(given.artifacts.get(name))

    def _said(self, match: re.Match[str]) -> str:
        if match["all"] is not None:
            text = self._whole()
        elif match["file"]:
            text = str(self._executor_input["outputs"]["outputFile"])
        else:
            text = self._named(match)
        for _ in range(int(match["escape"] or 0)):
            text = json.dumps(text, ensure_ascii=False)[1:-1]
            if len(text) > LONGEST:
                break
        return text

    def _whole(self) -> str:
        self._json = self._json or values.json_text(self._executor_input)
        return self._json

    def _named(self, match: re.Match[str]) -> str:
        name, rest = match["name"], match["rest"]
        side = self._executor_input[match["side"]]
        if match["kind"] == "artifacts":
            found = side["artifacts"].get(name)
            return match[0] if found is None else _of_artifacts(found["artifacts"], rest, match[0])
        if match["side"] == "outputs":
            known = rest == ".output_file" and name in side["parameters"]
            return str(side["parameters"][name]["outputFile"]) if known else match[0]
        if rest:
            return match[0]
        if name not in side["parameterValues"]:
            raise Unresolved(f'parameter "{name}" not found in executor input')
        return values.text_of(side["parameterValues"][name])


def _of_artifacts(artifacts: Sequence[Mapping[str, Any]], rest: str, literal: str) -> str:
    """What is asked of the first one, or all of them."""
    if not rest:
        return values.json_text(artifacts)
    if not artifacts:
        return literal
    one = artifacts[0]
    key = _KEY.fullmatch(rest)
    if key:
        metadata = one.get("metadata") or {}
        return values.text_of(metadata[key[2]]) if key[2] in metadata else literal
    if rest == ".path":
        return locations.path_of(one) or literal
    if rest in (".uri", ".name"):
        return str(one.get(rest[1:]) or "")
    return values.json_text(one.get("metadata") or {}) if rest == ".metadata" else literal
