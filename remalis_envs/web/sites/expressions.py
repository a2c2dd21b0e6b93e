"""Small formulas of domain files: arithmetic and comparisons over named values, walked as a tree, never ``eval``-ed."""

from __future__ import annotations

import ast
import copy
import keyword
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from remalis_envs.errors import RemalisError

Values = Mapping[str, Any]
_Run = Callable[[Values], Any]

_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type, Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
_CALLS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "round": round,
    "floor": math.floor,
    "ceil": math.ceil,
}


class FormulaError(RemalisError, ValueError):
    """A formula of a domain file that cannot be read, or names what is not there."""


class Term(NamedTuple):
    """One side of an operation.

    Attributes:
        value: of it.
        name: that it was read under; "" for a number of the formula itself or a result.
        step: place of the step that it is the result of; -1 for none.
    """

    value: float
    name: str = ""
    step: int = -1


class Step(NamedTuple):
    """One operation: ``first`` ``operation`` ``second``."""

    first: Term
    operation: str
    second: Term
    result: float


class Formula:
    """A formula, read once.

    Attributes:
        text: as it was written.
        names: that it uses, such as ``price`` or ``profile.age``.
    """

    __slots__ = ("_run", "_tree", "names", "text")

    def __init__(self, text: str) -> None:
        """Reads it.

        Args:
            text: numbers, texts in quotes, names (``price``, ``profile.age``), ``+ - * / // %``, comparisons, ``in``,
                ``and or not``, ``a if b else c``, and calls of ``min max abs round floor ceil``.

        Raises:
            FormulaError: if it holds anything else.
        """
        self.text = text
        names: set[str] = set()
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except SyntaxError as error:
            own = sorted(
                set(re.findall(r"[a-z]+", text)) & set(keyword.kwlist) - {"and", "or", "not", "in", "if", "else"}
            )
            hint = f" {own[0]!r} cannot be the name of a field here: give the field another name." if own else ""
            raise FormulaError(f"The formula {text!r} cannot be read: {error.msg}.{hint}") from error
        self._tree = tree
        self._run = _compile(tree, text, names)
        self.names = frozenset(names)

    def __call__(self, values: Values) -> Any:
        """Its value.

        Raises:
            FormulaError: if a name has no value.
        """
        try:
            return self._run(values)
        except KeyError as error:
            raise FormulaError(f"The formula {self.text!r} names {error.args[0]!r}, which has no value here.") from None

    def steps(self, values: Values) -> list[Step]:
        """The arithmetic that it comes to for some values, one operation at a time, the last one its result.

        Only ``+ - * /`` of numbers are steps; a condition is decided, what a call gives counts as a number.
        """
        found: list[Step] = []
        _unfold(self._tree, self.text, values, found)
        return found

    @property
    def calculates(self) -> bool:
        """Whether there is anything to work out in it, rather than to read and to decide."""
        return any(isinstance(node, ast.BinOp | ast.Call) for node in ast.walk(self._tree))

    @property
    def shape(self) -> str:
        """What is left of it without words and numbers: ``x * # + #`` of ``target.fee * 3 + 2``."""
        return ast.unparse(_Stripped().visit(copy.deepcopy(self._tree)))

    def __repr__(self) -> str:
        return f"Formula({self.text!r})"


class _Stripped(ast.NodeTransformer):
    """Puts one sign in place of all names, and another in place of all constants."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.copy_location(ast.Name("x"), node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return node if node.id in _CALLS else ast.copy_location(ast.Name("x"), node)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.copy_location(ast.Name("#"), node)


def _dotted(node: ast.expr) -> str:
    """``a.b.c`` of a name and its attributes; "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def _compile(node: ast.expr, text: str, names: set[str]) -> _Run:
    def sub(part: ast.expr) -> _Run:
        return _compile(part, text, names)

    match node:
        case ast.Constant(value=value) if isinstance(value, bool | int | float | str):
            return lambda _: value
        case ast.Name() | ast.Attribute() if _dotted(node):
            name = _dotted(node)
            names.add(name)
            return lambda values: values[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            function, a, b = _BINARY[type(op)], sub(left), sub(right)
            return lambda values: function(a(values), b(values))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            negated = sub(operand)
            return lambda values: -negated(values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            denied = sub(operand)
            return lambda values: not denied(values)
        case ast.BoolOp(op=op, values=parts):
            runs = [sub(part) for part in parts]
            every = isinstance(op, ast.And)
            return lambda values: all(r(values) for r in runs) if every else any(r(values) for r in runs)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
            test, a, b = _COMPARE[type(op)], sub(left), sub(right)
            return lambda values: test(a(values), b(values))
        case ast.IfExp(test=condition, body=body, orelse=other):
            c, a, b = sub(condition), sub(body), sub(other)
            return lambda values: a(values) if c(values) else b(values)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            runs = [sub(part) for part in parts]
            return lambda values: tuple(r(values) for r in runs)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _CALLS:
            call, runs = _CALLS[name], [sub(part) for part in args]
            return lambda values: call(*(r(values) for r in runs))
    raise FormulaError(f"The formula {text!r} holds {ast.unparse(node)!r}, which formulas do not allow.")


_WORDS: dict[type, str] = {ast.Add: "plus", ast.Sub: "minus", ast.Mult: "times", ast.Div: "divided by"}


def _unfold(node: ast.expr, text: str, values: Values, found: list[Step]) -> Term:
    match node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _WORDS:
            a, b = _unfold(left, text, values, found), _unfold(right, text, values, found)
            result = round(_BINARY[type(op)](a.value, b.value), 2)
            found.append(Step(a, _WORDS[type(op)], b, result))
            return Term(result, step=len(found) - 1)
        case ast.IfExp(test=condition, body=body, orelse=other):
            chosen = body if _compile(condition, text, set())(values) else other
            return _unfold(chosen, text, values, found)
        case ast.Name() | ast.Attribute():
            names: set[str] = set()
            value = _compile(node, text, names)(values)
            return Term(float(value), next(iter(names)))
    return Term(float(_compile(node, text, set())(values)))
