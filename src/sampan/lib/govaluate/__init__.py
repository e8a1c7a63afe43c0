"""The expression language of `when`: numbers, texts, truth values, and what they make together.

    expression = ternary { "," ternary };                       more than one make a list
    ternary    = or { ("?" | ":" | "??") or };
    or         = and { "||" and };          and = comparison { "&&" comparison };
    comparison = bits { ("==" | "!=" | "<" | "<=" | ">" | ">=" | "=~" | "!~" | "in") bits };
    bits       = shift { ("&" | "|" | "^") shift };              shift = sum { ("<<" | ">>") sum };
    sum        = product { ("+" | "-") product };       product = power { ("*" | "/" | "%") power };
    power      = value { "**" value };
    value      = number | text | "true" | "false" | name | "[" name "]" | "(" expression ")"
               | ("-" | "!" | "~") value;

Every number is a float64. A text ends at either quote, and is a moment (seconds since 1970) when it
looks like a date. `tokens` reads, `syntax` says what may follow what, `evaluate` does the rest, to
upstream's letter: all that follows a complete expression is ignored where the syntax allows it.
Not part of it: functions, fields of structures. Upstream: github.com/Knetic/govaluate.
"""

from sampan.lib.govaluate.evaluate import Program, evaluate
from sampan.lib.govaluate.tokens import Mistake

__all__ = ["Mistake", "Program", "evaluate"]
