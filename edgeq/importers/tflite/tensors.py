"""What the file says of its tensors: their parameters, and the elements of those that are constant."""

from __future__ import annotations

import numpy as np

from edgeq.importers.tflite.hints import type_hint
from edgeq.importers.tflite.raw import AGAIN, PACKED, Problem, RawModel, RawOp, RawTensor
from edgeq.ir.tensor import Array, DType, QParams

SHIFT = {"INT8": 0, "UINT8": 128}
"""What is subtracted from stored values and zero-points of 8-bit tensors to make them signed."""
QUANTIZED = (*SHIFT, "INT16")
"""Types of quantized activations."""
WHOLE = ("INT32", "INT64", "UINT32")
"""Types of tensors that, without a scale, hold whole numbers; in the graph they are int32, or have its bits."""


def is_whole(tensor: RawTensor) -> bool:
    """Whether a tensor holds whole numbers: classes, indices."""
    return tensor.dtype in WHOLE and tensor.quant is None


def is_samples(tensor: RawTensor) -> bool:
    """Whether a tensor holds samples of a signal: whole numbers of 16 bits."""
    return tensor.dtype == "INT16" and tensor.quant is None


class Tensors:
    """Reads the tensors of one file.

    Attributes:
        model: the file.
        folded: elements of tensors that turned out to be constant, in their stored type.
        quantized: whether parameters of any activation were read.
    """

    def __init__(self, model: RawModel) -> None:
        self.model = model
        self.folded: dict[int, Array] = {}
        self.quantized = False

    @property
    def has_integers(self) -> bool:
        """Whether any tensor of the model is quantized: what a cast makes real stays so."""
        return any(tensor.dtype in QUANTIZED and tensor.quant is not None for tensor in self.model.tensors)

    def truth_q(self) -> QParams | None:
        """How truth values are held: as bytes in a model that is quantized."""
        quantized = any(tensor.dtype in SHIFT and tensor.quant is not None for tensor in self.model.tensors)
        return QParams.per_tensor(1.0, 0) if quantized else None

    def tensor(self, index: int) -> RawTensor:
        """A tensor that must be there and usable.

        Raises:
            Problem: it is absent, or of a kind edgeq does not know.
        """
        if index < 0:
            raise Problem("a required input is absent", AGAIN)
        tensor = self.model.tensors[index]
        if tensor.trait:
            raise Problem(f"tensor {tensor.name!r} is {tensor.trait}", "export the model without it")
        return tensor

    def activation_q(self, tensor: RawTensor) -> QParams | None:
        """The parameters of an activation, int8 or int16; None for a float one.

        Raises:
            Problem: it is of another type, or quantized in a way edgeq does not know.
        """
        if tensor.dtype == "FLOAT32":
            return None
        if tensor.dtype not in QUANTIZED:
            raise Problem(f"tensor {tensor.label} is {tensor.dtype}", type_hint(tensor.dtype))
        if tensor.quant is None:
            raise Problem(f"tensor {tensor.label} is {tensor.dtype} without a scale", "quantize the model fully")
        if tensor.quant.scale.size != 1:
            raise Problem(f"activation {tensor.label} is quantized per channel", "quantize activations per tensor")
        if tensor.dtype == "INT16":
            return self._wide_q(tensor, float(tensor.quant.scale[0]), int(tensor.quant.zero_point[0]))
        scale, zero = float(tensor.quant.scale[0]), int(tensor.quant.zero_point[0]) - SHIFT[tensor.dtype]
        if not scale > 0 or not -128 <= zero <= 127:
            raise Problem(f"tensor {tensor.label} has scale {scale} and zero-point {tensor.quant.zero_point[0]}")
        self.quantized = True
        return QParams.per_tensor(scale, zero)

    def moved_q(self, tensor: RawTensor) -> QParams | None:
        """The parameters of what is moved, which may also be truth values or whole numbers.

        Raises:
            Problem: as `activation_q`.
        """
        if tensor.dtype == "BOOL":
            return self.truth_q()
        return None if is_whole(tensor) or is_samples(tensor) else self.activation_q(tensor)

    def _wide_q(self, tensor: RawTensor, scale: float, zero: int) -> QParams:
        if not scale > 0 or zero:
            raise Problem(
                f"tensor {tensor.label} is INT16 with scale {scale} and zero-point {zero}",
                "quantize 16-bit activations symmetrically",
            )
        self.quantized = True
        return QParams.per_tensor(scale, 0, DType.INT16)

    def stored(self, index: int) -> Array | None:
        """The elements of a constant in their stored type; None for an activation or an absent input."""
        if index < 0:
            return None
        return self.folded.get(index, self.model.tensors[index].data)

    def is_constant(self, index: int) -> bool:
        """Whether a tensor is known at compile time."""
        return self.stored(index) is not None

    def integers(self, op: RawOp, position: int) -> tuple[int, ...] | None:
        """An integer operand that must be constant (axes, shapes, paddings), flattened; None where it is absent.

        Raises:
            Problem: it is computed at run time.
        """
        if position >= len(op.inputs) or op.inputs[position] < 0:
            return None
        tensor = self.tensor(op.inputs[position])
        data = self.stored(tensor.index)
        if data is None:
            raise Problem(
                f"its operand {tensor.label} is computed at run time", "export the model with static shapes (batch 1)"
            )
        if data.dtype.kind not in "iu" or data.size > 256:
            raise Problem(f"its operand {tensor.label} is {tensor.dtype} {data.shape}, not a short list of integers")
        return tuple(int(v) for v in data.ravel())

    def required(self, op: RawOp, position: int) -> tuple[int, ...]:
        """`integers` of an operand that must be there."""
        numbers = self.integers(op, position)
        if numbers is None:
            raise Problem(f"its operand {position} is absent", AGAIN)
        return numbers

    def signed(self, tensor: RawTensor, data: Array) -> tuple[Array, QParams | None]:
        """The elements of a constant, those of 8 bits signed, and its parameters.

        Raises:
            Problem: it is of a type edgeq does not know.
        """
        if tensor.dtype in ("FLOAT32", "FLOAT16", "FLOAT64"):
            return data.astype(np.float32), None
        if tensor.dtype not in (*QUANTIZED, *PACKED, "INT32") or tensor.quant is None:
            raise Problem(
                f"the constant {tensor.label} is {tensor.dtype}{'' if tensor.quant else ' without a scale'}",
                "edgeq takes float32, float16, int8, int4 and int2 weights",
            )
        if tensor.dtype == "INT16":
            return data.astype(np.int16), self.activation_q(tensor)
        shift = SHIFT.get(tensor.dtype, 0)
        if tensor.dtype != "INT32":
            data = (data.astype(np.int16) - shift).astype(np.int8)
        zero = tensor.quant.zero_point - shift
        most = 1 << (PACKED.get(tensor.dtype, 8) - 1)
        if tensor.dtype != "INT32" and not np.all((zero >= -most) & (zero < most)):
            raise Problem(f"the constant {tensor.label} has a zero-point that {tensor.dtype} does not hold")
        if tensor.quant.scale.size == 1:
            return data, QParams.per_tensor(float(tensor.quant.scale[0]), int(zero[0]))
        return data, QParams.per_channel(tensor.quant.scale, zero, tensor.quant.axis)
