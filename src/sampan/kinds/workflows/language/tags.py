"""`{{tag}}` and `{{=expression}}`: substitution in texts, and in the texts of any JSON value.

    text   = { other | tag }
    tag    = "{{" name "}}"            whitespace around the name is dropped; in the name may stand
                                       tags, which are resolved first
           | "{{=" expression "}}"     ends at the first "}}": write `} }` within

What a tag stands for is put in as it is and is never looked at again. A tag that nobody knows stays
as it was written, for a later pass; in a strict place it is Missing. An output that never came
(None) has no text: that is always Missing. An expression that cannot be evaluated yet stays, too.
Upstream: argo-workflows util/template, valyala/fasttemplate.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sampan.kinds.workflows.language import expressions
from sampan.kinds.workflows.language.expressions import demanded
from sampan.kinds.workflows.language.faults import Missing

_OPEN, _CLOSE = "{{", "}}"
_DEEPEST = 20
"""Tags within tags; what is open beyond that is no tag."""


def fill(value: Any, known: Mapping[str, Any], strict: Collection[str] = ()) -> Any:
    """The JSON value with its tags replaced; parts without tags are shared, not copied.

    strict: first words (`steps`, `tasks`) of tags that must be known by now. Raises Missing.
    """
    if isinstance(value, str):
        return _fill_text(value, known, strict) if _OPEN in value else value
    if isinstance(value, dict):
        return _fill_dict(value, known, strict)
    if isinstance(value, list):
        items = [fill(each, known, strict) for each in value]
        same = all(new is old for new, old in zip(items, value, strict=True))
        return value if same else items
    return value


def _fill_dict(value: dict[Any, Any], known: Mapping[str, Any], strict: Collection[str]) -> Any:
    new: dict[Any, Any] = {}
    same = True
    for key, each in value.items():
        new_key, new_each = fill(key, known, strict), fill(each, known, strict)
        same = same and new_key is key and new_each is each
        new[new_key] = new_each
    return value if same else new


def _fill_text(text: str, known: Mapping[str, Any], strict: Collection[str]) -> str:
    """Reads the text once. `parts` holds, for each tag that is open, the text since it began."""
    parts: list[list[str]] = [[]]
    place, start, end = 0, text.find(_OPEN), text.find(_CLOSE)
    while end >= 0:
        if 0 <= start < end:
            parts[-1].append(text[place:start])
            place = start + len(_OPEN)
            if text.startswith("=", place):
                source = text[place + 1 : end]
                found = expressions.replaced(source, known, strict)
                parts[-1].append(f"{{{{={source}}}}}" if found is None else found)
                place = end + len(_CLOSE)
            else:
                parts.append([])
                if len(parts) > _DEEPEST:
                    parts[0] += (_OPEN, *parts.pop(1))
            start = text.find(_OPEN, place)
        elif len(parts) > 1:
            parts[-1].append(text[place:end])
            parts[-2].append(_simple("".join(parts.pop()), known, strict))
            place = end + len(_CLOSE)
        else:
            parts[-1].append(text[place : end + len(_CLOSE)])
            place = end + len(_CLOSE)
        if end < place:
            end = text.find(_CLOSE, place)
    parts[-1].append(text[place:])
    return _OPEN.join("".join(each) for each in parts)


def _simple(tag: str, known: Mapping[str, Any], strict: Collection[str]) -> str:
    name = tag.strip()
    value = known.get(name)
    if isinstance(value, str):
        return value
    if value is None and name in known:
        why = "output is an absent optional (skipped/omitted node with no default)"
        raise Missing(f"unable to substitute {{{{{tag}}}}}: {why}")
    if demanded(name, strict) and ".outputs.artifacts." not in name:
        raise Missing(f"failed to resolve {{{{{tag}}}}}")
    return f"{_OPEN}{tag}{_CLOSE}"


def found_in(value: Any) -> Iterator[str]:
    """All tags of a JSON value, in the order of the text; of nested ones only the innermost."""
    if isinstance(value, str):
        if _OPEN in value:
            yield from _found(value)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from found_in(key)
            yield from found_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from found_in(each)


def _found(text: str) -> Iterator[str]:
    place = 0
    while (start := text.find(_OPEN, place)) >= 0:
        end = text.find(_CLOSE, start)
        if end < 0:
            return
        inner = text[start + len(_OPEN) : end]
        if not inner.startswith("="):
            inner = inner.rpartition(_OPEN)[2]
        yield inner.strip()
        place = end + len(_CLOSE)
