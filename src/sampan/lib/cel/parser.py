"""From tokens to nodes, macros expanded. Precedence climbs from `? :` up to `a.b[c](d)`."""

from __future__ import annotations

from sampan.lib.cel.faults import CompileError
from sampan.lib.cel.lexer import Token, tokens
from sampan.lib.cel.nodes import Bind, Call, Index, ListOf, Literal, Loop, MapOf, Name, Node, Select
from sampan.lib.cel.values import LEAST, MOST, MOST_UINT, Uint

LONGEST = 50_000
"""Characters of an expression."""
DEEPEST = 60
"""Levels of nesting; cel-go has 250, Python's stack bears fewer."""

_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"==", "!=", "<", "<=", ">", ">=", "in"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)
_RESERVED = frozenset({
    "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop",
    "package", "namespace", "return", "var", "void", "while",
})  # fmt: skip
_ONE = {"all", "exists", "exists_one", "existsOne", "map", "filter", "sortBy"}
_TWO = {"all", "exists", "existsOne", "exists_one", "transformList", "transformMap",
        "transformMapEntry"}  # fmt: skip
_FILTERED = {("map", 3), ("transformList", 4), ("transformMap", 4), ("transformMapEntry", 4)}


def parse(source: str) -> Node:
    """The expression as nodes. Raises CompileError."""
    if len(source) > LONGEST:
        raise CompileError(source[:80], 0, f"expression code point size exceeds limit: {LONGEST}")
    reader = _Reader(source)
    node = reader.expression()
    if reader.look.kind != "end":
        raise reader.unexpected()
    return node


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self._tokens = tokens(source)
        self._at = 0
        self._depth = 0

    @property
    def look(self) -> Token:
        return self._tokens[self._at]

    def take(self, kind: str = "") -> Token:
        token = self.look
        if kind and token.kind != kind:
            raise self.unexpected(kind)
        self._at += 1
        return token

    def skip(self, kind: str) -> bool:
        if self.look.kind == kind:
            self._at += 1
            return True
        return False

    def unexpected(self, wanted: str = "") -> CompileError:
        token = self.look
        shown = "<EOF>" if token.kind == "end" else self.source[token.at :].split(None, 1)[0][:20]
        expecting = f", expecting '{wanted}'" if wanted else ""
        return self.fault(token.at, f"Syntax error: mismatched input '{shown}'{expecting}")

    def fault(self, at: int, text: str) -> CompileError:
        return CompileError(self.source, at, text)

    def expression(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self.fault(self.look.at, f"expression recursion limit exceeded: {DEEPEST}")
        found = self.binary(0)
        at = self.look.at
        if self.skip("?"):
            yes = self.binary(0)
            self.take(":")
            found = Call(at, "_?_:_", [found, yes, self.expression()])
        self._depth -= 1
        return found

    def binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self.unary()
        found = self.binary(level + 1)
        while self.look.kind in _LEVELS[level]:
            sign = self.take()
            right = self.binary(level + 1)
            name = "@in" if sign.kind == "in" else f"_{sign.kind}_"
            found = Call(sign.at, name, [found, right])
        return found

    def unary(self) -> Node:
        signs: list[Token] = []
        while self.look.kind in ("!", "-"):
            signs.append(self.take())
            if len(signs) > DEEPEST:
                raise self.fault(self.look.at, f"expression recursion limit exceeded: {DEEPEST}")
        number = self.look.value
        if signs and signs[-1].kind == "-" and _is_number(number) and self.look.kind == "value":
            sign, token = signs.pop(), self.take()
            found = self.members(self.number(sign.at, -token.value))
        else:
            found = self.members(self.primary())
        for sign in reversed(signs):
            found = Call(sign.at, f"{sign.kind}_", [found])
        return found

    def number(self, at: int, value: object) -> Literal:
        if value.__class__ is int and not LEAST <= value <= MOST:
            raise self.fault(at, "invalid int literal")
        if isinstance(value, Uint) and value > MOST_UINT:
            raise self.fault(at, "invalid uint literal")
        return Literal(at, value)

    def members(self, found: Node) -> Node:
        while True:
            token = self.look
            if self.skip("."):
                found = self.member(found, token.at)
            elif self.skip("["):
                optional = self.skip("?")
                found = Index(token.at, found, self.expression(), optional=optional)
                self.take("]")
            elif token.kind == "{" and isinstance(found, Name | Select):
                raise self.fault(token.at, "messages cannot be constructed here")
            else:
                return found

    def member(self, found: Node, at: int) -> Node:
        optional = self.skip("?")
        token = self.take("quoted" if self.look.kind == "quoted" else "name")
        if not optional and self.look.kind == "(" and token.kind == "name":
            return self.method(found, token, self.arguments())
        return Select(at, found, token.value, optional=optional)

    def arguments(self) -> list[Node]:
        self.take("(")
        return self.until(")")

    def until(self, end: str) -> list[Node]:
        found: list[Node] = []
        while self.look.kind != end:
            found.append(self.expression())
            if not self.skip(","):
                break
        self.take(end)
        return found

    def primary(self) -> Node:
        token = self.look
        match token.kind:
            case "value":
                self.take()
                return self.number(token.at, token.value)
            case "name" | ".":
                self.skip(".")
                return self.named(self.take("name"))
            case "(":
                self.take()
                found = self.expression()
                self.take(")")
                return found
            case "[":
                return self.list_of()
            case "{":
                return self.map_of()
        raise self.unexpected()

    def named(self, token: Token) -> Node:
        if token.value in _RESERVED:
            raise self.fault(token.at, f"reserved identifier: {token.value}")
        if self.look.kind != "(":
            return Name(token.at, token.value)
        args = self.arguments()
        if token.value != "has":
            return Call(token.at, token.value, args)
        if len(args) != 1 or not isinstance(args[0], Select) or args[0].optional:
            raise self.fault(token.at, "invalid argument to has() macro")
        args[0].test = True
        return args[0]

    def list_of(self) -> Node:
        at = self.take("[").at
        items: list[Node] = []
        optional: set[int] = set()
        while self.look.kind != "]":
            if self.skip("?"):
                optional.add(len(items))
            items.append(self.expression())
            if not self.skip(","):
                break
        self.take("]")
        return ListOf(at, items, frozenset(optional))

    def map_of(self) -> Node:
        at = self.take("{").at
        entries: list[tuple[Node, Node]] = []
        optional: set[int] = set()
        while self.look.kind != "}":
            if self.skip("?"):
                optional.add(len(entries))
            key = self.expression()
            self.take(":")
            entries.append((key, self.expression()))
            if not self.skip(","):
                break
        self.take("}")
        return MapOf(at, entries, frozenset(optional))

    # -- macros -------------------------------------------------------------------------------

    def method(self, target: Node, token: Token, args: list[Node]) -> Node:
        name, count = token.value, len(args)
        if name == "bind" and isinstance(target, Name) and target.name == "cel" and count == 3:
            return Bind(token.at, "bind", self.variable(args[0]), args[1], args[2])
        if name in ("optMap", "optFlatMap") and count == 2:
            return Bind(token.at, name, self.variable(args[0]), target, args[1])
        one = name in _ONE and (count == 2 or (name, count) in _FILTERED)
        two = name in _TWO and (count == 3 or (name, count) in _FILTERED)
        if not one and not two:
            return Call(token.at, name, args, target)
        if two and not one:
            names: tuple[str, ...] = (self.variable(args[0]), self.variable(args[1]))
            if names[0] == names[1]:
                raise self.fault(args[1].at, "overlapping variable names")
        else:
            names = (self.variable(args[0]),)
        rest = args[len(names) :]
        macro = "exists_one" if name == "existsOne" else name
        where = rest[0] if (name, count) in _FILTERED else None
        return Loop(token.at, macro, target, names, rest[-1], where)

    def variable(self, node: Node) -> str:
        if not isinstance(node, Name):
            raise self.fault(node.at, "argument must be a simple name")
        return node.name


def _is_number(value: object) -> bool:
    return value.__class__ in (int, float)
