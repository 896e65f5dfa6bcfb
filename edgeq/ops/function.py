"""Any function of one element that is spelled with several operators: one table."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any, ClassVar, TypeVar

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes, registry
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.numerics import float32, lut
from edgeq.numerics.float32 import Floats
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._elementwise import BinaryOp
from edgeq.ops._int16 import as_int16
from edgeq.ops._overlap import elementwise
from edgeq.ops._requant import FAR
from edgeq.ops._table import TableOp, affine
from edgeq.ops.dequantize import TO_FLOAT, to_float32

T = TypeVar("T")
NUMBERS = {"inf": float("inf"), "nan": float("nan")}
ELEMENT = "x"
"""The name of the element in an expression."""


def written(op: Op, operands: Sequence[str]) -> str:
    """An operator and its operands as a part of an expression; attributes with their defaults are left out."""
    shown = {f.name: getattr(op, f.name) for f in fields(op)}
    named = [f"{f.name}={shown[f.name]!r}" for f in fields(op) if f.default is MISSING or shown[f.name] != f.default]
    return f"{op.kind}({', '.join([*operands, *named])})"


def substituted(expression: str, element: str) -> str:
    """An expression of another expression."""

    class Substitution(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return ast.parse(element, mode="eval").body if node.id == ELEMENT else node

    return ast.unparse(Substitution().visit(ast.parse(expression, mode="eval")))


def composed(op: Op, operands: Sequence[str]) -> str:
    """What an operator makes of expressions, its operands, as one expression."""
    return substituted(op.expression, operands[0]) if isinstance(op, Function) else written(op, operands)


def walk(expression: str, element: T, number: Callable[[float], T], apply: Callable[[Op, list[T]], T]) -> T:
    """The value of an expression.

    Args:
        expression: calls of operators, with their attributes as keywords, of numbers and of the element `x`.
        element: what x stands for.
        number: what a number stands for.
        apply: what an operator makes of its operands.

    Raises:
        ValueError: the expression cannot be read.
    """

    def value(node: ast.expr) -> T:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in registry():
            op = registry()[node.func.id](**{str(k.arg): _literal(k.value) for k in node.keywords})
            return apply(op, [value(operand) for operand in node.args])
        if isinstance(node, ast.Name) and node.id == ELEMENT:
            return element
        return number(float(_literal(node)))

    try:
        return value(ast.parse(expression, mode="eval").body)
    except (SyntaxError, TypeError, RecursionError) as error:
        raise ValueError(f"{expression!r} is not an expression of operators") from error


def _literal(node: ast.expr) -> Any:
    """A number, a truth value, a name or a tuple of such."""
    if isinstance(node, ast.Name) and node.id in NUMBERS:
        return NUMBERS[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_literal(node.operand)
    if isinstance(node, ast.Tuple):
        return tuple(_literal(item) for item in node.elts)
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, str)):
        return node.value
    raise ValueError(f"{ast.unparse(node)!r} is not a number")


def is_part(op: Op) -> bool:
    """Whether an operator can be a part of an expression."""
    return isinstance(op, (TableOp, BinaryOp))


def _apply(op: Op, operands: list[Array]) -> Array:
    if isinstance(op, TableOp):
        (x,) = operands
        return op.real(x)
    if not isinstance(op, BinaryOp):
        raise ValueError(f"{op.kind} is no function of single elements")
    return op.run_float(operands)[0]


@cache
def _check(expression: str) -> None:
    """Raise a ValueError for what is no expression."""
    with np.errstate(all="ignore"):
        walk(expression, np.ones(1), np.asarray, _apply)


ONE, THREE, SIX = (np.float32(n) for n in (1, 3, 6))
IN_STEPS: dict[str, Callable[[Array], Array]] = {
    "Rsqrt": lambda x: ONE / np.sqrt(x),
    "Sigmoid": lambda x: ONE / (ONE + lut.in_float64(np.exp)(-x)),
    "HardSwish": lambda x: x * np.clip(x + THREE, np.float32(0), SIX) / SIX,
}
"""Operators that LiteRT computes in several steps of float32; it rounds the others once."""


def _apply_float32(op: Op, operands: list[Array]) -> Array:
    if op.kind in IN_STEPS:
        return np.asarray(IN_STEPS[op.kind](operands[0]), np.float32)
    return op.run_float(operands)[0]


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_table_ref_float32`."""
    assert isinstance(site.op, Function)
    table = site.op.reals(affine(site.input(0).qp))
    return {"size": site.outputs[0].size, "table": np.roll(table, 128)}


@dataclass(frozen=True)
class Function(TableOp):
    """What an expression of operators makes of each element x, computed in float64.

    Attributes:
        expression: such as `Mul(x, Sigmoid(x))`; operands are x, numbers and other such calls, attributes are keywords.
        dequantized: a .tflite computes it on real numbers, between DEQUANTIZE and QUANTIZE: in TFLITE and TFLM every
            operator rounds to float32, and the result to the nearest integer, halves away from zero; what is not a
            number becomes the least.
        real_result: the result stays a real number in a quantized graph, each operator rounded to float32.
    """

    expression: str
    dequantized: bool = False
    real_result: bool = False

    @property
    def gives_real(self) -> bool | None:  # type: ignore[override]
        """Its table has real numbers."""
        return True if self.real_result else None

    kernels: ClassVar = (
        *TableOp.kernels,
        Kernel(
            "eq_table_ref_float32",
            ("ref/table.c",),
            "eq/table.h",
            "eq_table_float32_params",
            lower_real,
            elements=frozenset(TO_FLOAT),
            fits=to_float32,
            overlap=elementwise,
        ),
    )

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        if to_float32(site):
            return (self.reals(affine(site.input(0).qp))[x.astype(np.int64) + 128],)
        return super().run_int(site, inputs)

    def reals(self, x: Affine) -> Floats:
        """What every 8-bit value gives, from −128 to 127, each operator rounded to float32."""
        given = float32.dequantize(lut.inputs(), x.scale, x.zero_point)
        with np.errstate(all="ignore"):
            found = walk(self.expression, given, lambda number: np.asarray(number, np.float32), _apply_float32)
        return float32.number(np.broadcast_to(found, given.shape))

    def litert_table(self, x: Affine, y: Affine) -> Table:
        if not self.dequantized:
            return self.table(x, y)
        with np.errstate(all="ignore"):
            steps = lut.round_half_away(self.reals(x) / np.float32(y.scale))
        bounded = np.clip(np.where(np.isnan(steps), -np.inf, steps), -FAR, FAR)
        return lut.saturate(bounded.astype(np.int64) + y.zero_point)

    def real(self, x: Array) -> Array:
        return np.asarray(np.broadcast_to(walk(self.expression, x, np.asarray, _apply), x.shape))

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        _check(self.expression)
        return super().out_shapes(shapes)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("silu", cls("Mul(x, Sigmoid(x))"), ((1, 3, 5, 2),)),
            as_int16(Sample("silu", cls("Mul(x, Sigmoid(x))"), ((1, 3, 5, 2),))),
            Sample("mish", cls("Mul(x, Tanh(Log(Add(Exp(x), 1.0))))"), ((1, 35),), low=-8.0, high=8.0),
            Sample("hard", cls("Mul(x, Add(Mul(x, 0.2), 0.5, clamp=(0.0, 1.0)))"), ((65,),), low=-6.0, high=6.0),
            Sample("softsign", cls("Div(x, Add(Abs(x), 1.0))"), ((2, 3, 4, 5, 3),)),
            Sample("real", cls("Neg(Exp(x))"), ((130,),), elements=TO_FLOAT),
            Sample("dequantized", cls("Neg(Mul(LeakyRelu(x, alpha=0.1), 1.5, clamp=(-0.5, inf)))", True), ((130,),)),
        )
