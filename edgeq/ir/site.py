"""A node with the types and constants around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from edgeq.ir.quant_rule import Bias, Index, Real, Weight
from edgeq.ir.tensor import Array, DType, TensorType
from edgeq.numerics.fixedpoint import Numerics, Rounding

if TYPE_CHECKING:
    from edgeq.ir.op import Op

Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class Site:
    """A node together with the types and constants around it: everything that its operator needs to know."""

    name: str
    op: Op
    inputs: tuple[TensorType | None, ...]
    outputs: tuple[TensorType, ...]
    consts: tuple[Array | None, ...]
    numerics: Numerics = Numerics.FAST

    @property
    def rounding(self) -> Rounding:
        """The rounding of this site's requantizations."""
        if self.outputs[0].dtype is DType.INT16:
            return self.op.rounding16(self.numerics)
        return self.op.rounding(self.numerics)

    @cached_property
    def _made(self) -> dict[Callable[[Site], Any], Any]:
        return {}

    def once(self, make: Callable[[Site], Made]) -> Made:
        """`make(self)`, kept for the next time: what a reference needs of constants for every sample.

        Args:
            make: a function of a module, which is what it is kept by.
        """
        if make not in self._made:
            self._made[make] = make(self)
        made: Made = self._made[make]
        return made

    @cached_property
    def element_types(self) -> tuple[frozenset[DType], frozenset[DType]]:
        """Element types of the activations, constant operands and outputs among them, and those of the weights."""
        rule = self.op.quant_rule([None if t is None else t.shape for t in self.inputs])
        activations: list[DType] = [t.dtype for t in self.outputs]
        weights: list[DType] = []
        for index, type in enumerate(self.inputs):
            role = rule.role(index)
            if type is None or isinstance(role, Bias | Index | Real):
                continue  # indices, computed ones too, are int32 whatever the operator computes with
            constant = self.const_or_none(index) is not None
            held = isinstance(role, Weight) or (self.outputs[0].dtype is DType.FLOAT32 and type.is_stored)
            (weights if constant and held else activations).append(type.dtype)
        return frozenset(activations), frozenset(weights)

    def describe_types(self) -> str:
        """The element types, for messages."""
        activations, weights = (" and ".join(sorted(t.value for t in types)) for types in self.element_types)
        return f"{activations} activations" + (f" and {weights} weights" if weights else "")

    @property
    def has_groups(self) -> bool:
        """Whether groups of its weights have factors."""
        return any(type is not None and type.q is not None and type.q.groups is not None for type in self.inputs)

    @cached_property
    def has_negative_scales(self) -> bool:
        """Whether channels of its weights are stored with a negative scale (docs/adr/0036)."""
        return any(
            data is not None and type is not None and bool(type.negated(data).any())
            for data, type in zip(self.consts, self.inputs, strict=True)
        )

    @cached_property
    def stored(self) -> Site:
        """The same as it is stored: with negative scales, and with weights and biases of the opposite sign."""
        if not self.has_negative_scales:
            return self
        consts, types = list(self.consts), list(self.inputs)
        for product in self.op.quant_rule([None if t is None else t.shape for t in self.inputs]).products:
            weights, type = self.const(product.weight), self.input(product.weight)
            signs = type.signs(weights)
            scales = np.asarray(type.qp.scale) * signs.ravel()
            types[product.weight] = replace(type, q=replace(type.qp, scale=tuple(scales.tolist())))
            consts[product.weight] = weights * signs
            bias = None if product.bias is None else self.const_or_none(product.bias)
            if product.bias is not None and bias is not None:
                consts[product.bias] = bias * signs.ravel()
        return replace(self, consts=tuple(consts), inputs=tuple(types))

    @property
    def is_float(self) -> bool:
        """Whether the site computes real numbers from real numbers."""
        return self.element_types[0] == {DType.FLOAT32}

    @cached_property
    def real(self) -> Site:
        """The same with constants that are stored in fewer bits as the real numbers that they stand for."""
        consts = tuple(
            data if data is None or type is None or not type.is_stored else type.numbers(data)
            for data, type in zip(self.consts, self.inputs, strict=True)
        )
        types = tuple(TensorType(t.shape) if t is not None and t.is_stored else t for t in self.inputs)
        return replace(self, inputs=types, consts=consts)

    def input(self, index: int) -> TensorType:
        """The type of an input that must be there.

        Raises:
            ValueError: it is absent.
        """
        type = self.inputs[index] if index < len(self.inputs) else None
        if type is None:
            raise ValueError(f"{self.name}: input {index} is absent")
        return type

    def const(self, index: int) -> Array:
        """The data of an input that must be constant.

        Raises:
            ValueError: it is absent or not constant.
        """
        data = self.consts[index] if index < len(self.consts) else None
        if data is None:
            raise ValueError(f"{self.name}: input {index} is not a constant")
        return data

    def const_or_none(self, index: int) -> Array | None:
        """The data of an optional constant input."""
        return self.consts[index] if index < len(self.consts) else None
