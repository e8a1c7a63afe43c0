"""From tokens to nodes. Names are looked up while reading: what is not defined is a Mistake here.

One method for each level of the grammar in the package's header. As in gojq the term before `as`
may be any expression, and `try`, `catch` and a sign take the term behind them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sampan.lib.jq import bindings, builtins, formats, nodes, operators
from sampan.lib.jq.faults import Mistake
from sampan.lib.jq.lexer import END, Token, tokens
from sampan.lib.jq.nodes import Identity, Literal, Node
from sampan.lib.jq.structures import Structures, piped

_LEVELS: tuple[tuple[str, ...], ...] = (
    ("//",),
    ("=", "|=", "+=", "-=", "*=", "/=", "%=", "//="),
    ("or",),
    ("and",),
    ("==", "!=", "<", "<=", ">", ">="),
    ("+", "-"),
    ("*", "/", "%"),
)
_LEVEL = {sign: level for level, signs in enumerate(_LEVELS) for sign in signs}
_SINGLE = (1, 4)  # levels whose operators do not come in chains


def parse(source: str) -> Node:
    """The program. Raises Mistake."""
    return Parser(tokens(source), frozenset()).program()


class Parser(Structures):
    """Queries and terms."""

    def program(self) -> Node:
        for word in ("module", "import", "include"):
            if self._next.kind == word:
                raise Mistake("modules are not supported")
        if self._next is END:
            raise Mistake('missing query (try ".")')
        query = self._query()
        if self._next is not END:
            raise self._unexpected()
        return query

    def _query(self) -> Node:
        with self._deeper():
            return self._pipe()

    def _pipe(self) -> Node:
        stages: list[Node] = []
        while True:
            parts = [self._part()]
            while self._take(","):
                parts.append(self._part())
            stages.append(parts[0] if len(parts) == 1 else nodes.Comma(tuple(parts)))
            if not self._take("|"):
                return piped(stages)

    def _part(self) -> Node:
        """What commas stand between. A definition and a binding go on to the end of the query."""
        if self._take("def"):
            return self._definition()
        if self._take("label"):
            name = f"*{self._need('variable').value}"
            self._need("|")
            with self._inside(name):
                return bindings.Label(name, self._query())
        found = self._expression()
        if not self._take("as"):
            return found
        patterns = [self._pattern()]
        while self._take("?//"):
            patterns.append(self._pattern())
        self._need("|")
        with self._inside(*(name for pattern in patterns for name in pattern.names)):
            return bindings.Bind(found, tuple(patterns), self._query())

    def _definition(self) -> Node:
        name = self._need("name").value
        parameters: list[str] = []
        if self._take("("):
            parameters.append(self._parameter())
            while self._take(";"):
                parameters.append(self._parameter())
            self._need(")")
        self._need(":")
        function = bindings.Function(f"{name}/{len(parameters)}", tuple(parameters))
        bare = [f"{each.removeprefix('$')}/0" for each in parameters]
        with self._inside(function.name, *bare, *parameters):
            function.body = self._query()
        self._need(";")
        with self._inside(function.name):
            return bindings.Define(function, self._query())

    def _parameter(self) -> str:
        token = self._take("variable") or self._need("name")
        return str(token.value)

    def _expression(self, lowest: int = 0) -> Node:
        """Operators of the lowest level or a higher one, from the left (`//` from the right)."""
        left = self._term()
        while (level := _LEVEL.get(self._next.kind, -1)) >= lowest:
            sign = self._next.kind
            self._at += 1
            right = self._expression(level if sign == "//" else level + 1)
            left = self._operation(sign, left, right)
            if level in _SINGLE and _LEVEL.get(self._next.kind) == level:
                raise self._unexpected()
        return left

    def _operation(self, sign: str, left: Node, right: Node) -> Node:
        match sign:
            case "//":
                return nodes.Otherwise(left, right)
            case "or" | "and":
                return nodes.Logic(sign == "or", left, right)
            case "=":
                return nodes.Native(builtins.assign, (left, right))
            case "|=":
                return nodes.Native(builtins.modify, (left, right))
        if _LEVEL[sign] == 1:
            return builtins.update(sign.removesuffix("="), left, right)
        return nodes.Binary(sign, left, right)

    def _term(self) -> Node:
        with self._deeper():
            return self._suffixes(self._bare_term())

    def _suffixes(self, term: Node) -> Node:
        while True:
            if field := self._take("field"):
                term = nodes.Index(term, Literal(field.value))
            elif self._next.kind == "[":
                term = self._brackets(term)
            elif self._take("?"):
                term = _optional(term)
            elif self._next.kind == "." and self._tokens[self._at + 1].kind in ("[", "text"):
                self._at += 1
                term = self._brackets(term) if self._next.kind == "[" else self._quoted(term)
            else:
                return term

    def _quoted(self, term: Node) -> Node:
        return nodes.Index(term, self._text(nodes.shown))

    def _brackets(self, term: Node) -> Node:
        """`[]`, `[key]`, `[from:to]`."""
        self._need("[")
        if self._take("]"):
            return nodes.Each(term)
        start = Literal(None) if self._next.kind == ":" else self._query()
        if not self._take(":"):
            self._need("]")
            return nodes.Index(term, start)
        end = Literal(None) if self._next.kind == "]" else self._query()
        if self._tokens[self._at - 2].kind == "[" and self._next.kind == "]":
            raise self._unexpected()  # `[:]`
        self._need("]")
        return nodes.Slice(term, start, end)

    def _bare_term(self) -> Node:
        token = self._next
        reader = _READERS.get(token.kind)
        if reader is None:
            raise self._unexpected()
        self._at += 1
        return reader(self, token)

    def _dot(self, token: Token) -> Node:
        if self._next.kind == "[":
            return self._brackets(Identity())
        return self._quoted(Identity()) if self._next.kind == "text" else Identity()

    def _field(self, token: Token) -> Node:
        return nodes.Index(Identity(), Literal(token.value))

    def _constant(self, token: Token) -> Node:
        return Literal({"null": None, "true": True, "false": False}[token.kind])

    def _number(self, token: Token) -> Node:
        return Literal(formats.number(token.value))

    def _variable(self, token: Token) -> Node:
        if token.value not in self._names:
            if token.value == "$ENV":
                return Literal({})
            raise Mistake(f"variable not defined: {token.value}")
        return nodes.Variable(token.value)

    def _call(self, token: Token) -> Node:
        arguments: list[Node] = []
        if self._take("("):
            arguments.append(self._query())
            while self._take(";"):
                arguments.append(self._query())
            self._need(")")
        name = f"{token.value}/{len(arguments)}"
        if name in self._names:
            return bindings.Call(name, tuple(arguments))
        if name in builtins.PRELUDE:
            return bindings.Define(_prelude(name), bindings.Call(name, tuple(arguments)))
        return builtins.call(name, tuple(arguments))

    def _string(self, token: Token) -> Node:
        self._at -= 1
        return self._text(nodes.shown)

    def _format(self, token: Token) -> Node:
        if self._next.kind == "text":
            return self._text(formats.named(token.value[1:]))
        return nodes.Unary(formats.named(token.value[1:]), Identity())

    def _text(self, format: Any) -> Node:
        parts: list[str | Node] = []
        for part in self._need("text").value:
            if isinstance(part, str):
                parts.append(part)
            else:
                parts.append(Parser(part, self._names, self._depth + 1).program())
        if all(isinstance(part, str) for part in parts):
            return Literal("".join(map(str, parts)))
        return nodes.Text(tuple(parts), format)

    def _sign(self, token: Token) -> Node:
        operate = operators.negate if token.kind == "-" else operators.plus
        return nodes.Unary(operate, self._term())

    def _array(self, token: Token) -> Node:
        if self._take("]"):
            return nodes.Array(None)
        found = nodes.Array(self._query())
        self._need("]")
        return found

    def _if(self, token: Token) -> Node:
        condition = self._query()
        self._need("then")
        then = self._query()
        if token := self._take("elif"):  # type: ignore[assignment]
            return nodes.If(condition, then, self._if(token))
        otherwise = self._query() if self._take("else") else Identity()
        self._need("end")
        return nodes.If(condition, then, otherwise)

    def _try(self, token: Token) -> Node:
        body = self._term()
        return nodes.Try(body, self._term() if self._take("catch") else None)

    def _break(self, token: Token) -> Node:
        name = self._need("variable").value
        if f"*{name}" not in self._names:
            raise Mistake(f"label not defined: {name}")
        return bindings.Break(f"*{name}")


@lru_cache
def _prelude(name: str) -> bindings.Function:
    """A function of the language that is written in it."""
    defined = parse(f"{builtins.PRELUDE[name]} .")
    assert isinstance(defined, bindings.Define)
    return defined.function


def _optional(term: Node) -> Node:
    """`term?`: errors of its last step only, not of what leads there."""
    match term:
        case nodes.Index(base, key):
            return nodes.Pipe(base, nodes.Try(nodes.Index(Identity(), key), None))
        case nodes.Each(base):
            return nodes.Pipe(base, nodes.Try(nodes.Each(Identity()), None))
    return nodes.Try(term, None)


_READERS = {
    ".": Parser._dot,
    "..": lambda parser, token: builtins.call("recurse/0", ()),
    "field": Parser._field,
    "null": Parser._constant,
    "true": Parser._constant,
    "false": Parser._constant,
    "number": Parser._number,
    "variable": Parser._variable,
    "name": Parser._call,
    "text": Parser._string,
    "format": Parser._format,
    "+": Parser._sign,
    "-": Parser._sign,
    "(": Parser._parenthesis,
    "[": Parser._array,
    "{": Parser._object,
    "if": Parser._if,
    "try": Parser._try,
    "reduce": Parser._loop,
    "foreach": Parser._loop,
    "break": Parser._break,
}
