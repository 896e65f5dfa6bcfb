"""TensorFlow Lite Micro's Signal operators: steps from samples of sound to features, in whole numbers.

uint32 tensors of the file are int32 with the same bits here, uint64 ones pairs of words. What an operator keeps from
one run to the next becomes a state.
"""

from __future__ import annotations

import numpy as np

from edgeq.importers.tflite.builder import Builder
from edgeq.importers.tflite.raw import AGAIN, Problem, RawOp, short_name
from edgeq.importers.tflite.registry import handles
from edgeq.ir.tensor import DType, Shape, TensorType
from edgeq.ops.compare import USUAL
from edgeq.ops.energy import Energy
from edgeq.ops.fft_auto_scale import FftAutoScale
from edgeq.ops.filter_bank import FilterBank
from edgeq.ops.filter_bank_log import FilterBankLog
from edgeq.ops.filter_bank_square_root import FilterBankSquareRoot
from edgeq.ops.irfft import Irfft
from edgeq.ops.overlap_add import OverlapAdd
from edgeq.ops.pcan import Pcan
from edgeq.ops.reshape import Reshape
from edgeq.ops.rfft import Rfft
from edgeq.ops.signal_count import SignalCount
from edgeq.ops.signal_frame import SignalFrame
from edgeq.ops.signal_stack import SignalStack
from edgeq.ops.signal_window import SignalWindow
from edgeq.ops.spectral_subtraction import SpectralSubtraction
from edgeq.ops.whole_to_real import WholeToReal

FROM_SAMPLES = "give it whole numbers that Signal operators compute, or an input of int16"


def _whole(b: Builder, op: RawOp, position: int = 0, dtype: DType = DType.INT32) -> str:
    """An operand of whole numbers of a type.

    Raises:
        Problem: it is something else.
    """
    value = b.whole(op, position)
    if value is None or b.editor.values[value].type.dtype is not dtype:
        raise Problem(f"its input {position} holds no whole numbers of {dtype.value}", FROM_SAMPLES)
    return value


def _table(b: Builder, op: RawOp, position: int) -> tuple[int, ...]:
    """A constant of whole numbers.

    Raises:
        Problem: it is computed.
    """
    data = b.stored(op.inputs[position]) if position < len(op.inputs) else None
    if data is None or data.dtype.kind not in "iu":
        raise Problem(f"its table {position} is no constant of whole numbers", AGAIN)
    return tuple(int(v) for v in data.ravel())


def _shaped(b: Builder, op: RawOp, value: str, shape: Shape) -> str:
    """A value in another shape."""
    return value if b.shape(value) == shape else b.step(Reshape(shape), [value], f"{value}/shaped", None)


@handles("CUSTOM SignalWindow")
def _window(b: Builder, op: RawOp) -> None:
    """Samples times constant weights."""
    b.emit(op, SignalWindow(_table(b, op, 1), op.option("shift")), [_whole(b, op, 0, DType.INT16)])


@handles("CUSTOM SignalDelay")
def _delay(b: Builder, op: RawOp) -> None:
    """Samples of int16 that came so many samples before; the last ones are a state, 0 at first."""
    x, length, y = _whole(b, op, 0, DType.INT16), op.option("delay_length"), b.tensor(op.outputs[0])
    shape = b.shape(x)
    if length < 1 or not shape:
        raise Problem(f"it delays {shape} by {length} samples", AGAIN)
    key, name = ("delay", y.index), short_name(y.name)
    before = b.variable(key, f"{name}/state", TensorType((*shape[:-1], length), DType.INT16))
    b.emit(op, SignalFrame(0, shape[-1]), [before, x])
    b.assign(key, b.step(SignalFrame(shape[-1], length), [before, x], f"{name}/after", None))


def _enough(b: Builder, op: RawOp, first: int, need: int, step: int) -> str:
    """Whether the result of an operator that buffers frames holds, as its second output; the count before, a state."""
    tensor, key = b.tensor(op.outputs[1] if len(op.outputs) == 2 else -1), ("count", op.outputs[0])
    name = short_name(tensor.name)
    before = b.variable(key, f"{name}/state", TensorType((1,), DType.INT32))
    enough, after = b.steps(SignalCount(first, need, step), [before], f"{name}/count", [None, None])
    b.assign(key, after)
    truth = b.step(WholeToReal(), [enough], f"{name}/truth", USUAL)
    b.bind(op.outputs[1], b.step(Reshape(()), [truth], tensor.name, USUAL))
    return before


@handles("CUSTOM SignalFramer")
def _framer(b: Builder, op: RawOp) -> None:
    """Frames of int16 samples; those that the next frames begin with are a state. With prefill, zeros stand before the
    first samples; without, frames begin with these, and the second result says when the first one is full."""
    x, size, step = _whole(b, op, 0, DType.INT16), op.option("frame_size"), op.option("frame_step")
    *lead, new = b.shape(x) or (0,)
    if not 1 <= step <= size or new < step or new % step:
        raise Problem(f"frames of {size} samples every {step} do not fit {new} new ones", AGAIN)
    count, need = new // step, -(-size // step)
    kept = (size if op.option("prefill") else need * step) - step
    y = b.tensor(op.outputs[0])
    key, name = ("frames", y.index), short_name(y.name)
    if kept:
        before = b.variable(key, f"{name}/state", TensorType((*lead, kept), DType.INT16))
        x, new_samples = b.step(SignalFrame(0, size, count, step), [before, x], f"{name}/frames", None), x
        b.assign(key, b.step(SignalFrame(new, kept), [before, new_samples], f"{name}/after", None))
    b.emit(op, Reshape((*lead, count, size)), [x], op.outputs[:1])
    if op.option("prefill"):
        b.fold(op.outputs[1], np.array(True))
    else:
        _enough(b, op, 1, need, 1)


@handles("CUSTOM SignalStacker")
def _stacker(b: Builder, op: RawOp) -> None:
    """A frame of int16 behind those before it, which are a state; the first one also stands for those before itself.
    The second result says whether a stack is full: it is so every `stacker_step` frames."""
    x, left, right = (
        _whole(b, op, 0, DType.INT16),
        op.option("stacker_left_context"),
        op.option("stacker_right_context"),
    )
    shape, step, y = b.shape(x), op.option("stacker_step"), b.tensor(op.outputs[0])
    if (
        len(shape) != 1
        or shape[0] != op.option("num_channels")
        or min(left, right) < 0
        or not 1 <= step <= left + right + 1
    ):
        raise Problem(f"{left} frames before and {right} after one of {shape}, every {step}, are impossible", AGAIN)
    before = _enough(b, op, 1 + left, left + right + 1, step)
    if left + right == 0:
        b.emit(op, Reshape(shape), [x], op.outputs[:1])
        return
    key, kept = ("stack", y.index), (left + right) * shape[0]
    frames = b.variable(key, f"{short_name(y.name)}/state", TensorType((kept,), DType.INT16))
    b.emit(op, SignalStack(), [frames, x, before], op.outputs[:1])
    after = SignalFrame(shape[0], kept)
    b.assign(key, b.step(after, [b.values[y.index], x], f"{short_name(y.name)}/after", None))


@handles("CUSTOM SignalOverlapAdd")
def _overlap_add(b: Builder, op: RawOp) -> None:
    """Frames of int16, added where they overlap; what they leave for the next ones is a state."""
    x, y = _whole(b, op, 0, DType.INT16), b.tensor(op.outputs[0])
    *lead, _, size = b.shape(x) if len(b.shape(x)) > 1 else (0, 0)
    key, name = ("overlap", y.index), short_name(y.name)
    before = b.variable(key, f"{name}/state", TensorType((*lead, size), DType.INT16))
    sums, after = b.steps(OverlapAdd(op.option("frame_step")), [x, before], f"{name}/sums", [None, None])
    b.emit(op, Reshape(b.shape(sums)), [sums])
    b.assign(key, after)


@handles("CUSTOM SignalIrfft")
def _irfft(b: Builder, op: RawOp) -> None:
    """Of a spectrum of int16, to a length that is a power of 2."""
    x, length = _whole(b, op, 0, DType.INT16), op.option("fft_length")
    shape = b.shape(x)
    if not shape or shape[-1] != length + 2:
        raise Problem(f"{shape} is no spectrum of {length} samples", AGAIN)
    b.emit(op, Irfft(), [_shaped(b, op, x, (*shape[:-1], length // 2 + 1, 2))])


@handles("CUSTOM SignalFftAutoScale")
def _auto_scale(b: Builder, op: RawOp) -> None:
    """A factor for a frame that fills 16 bits, and that factor's exponent."""
    b.emit(op, FftAutoScale(), [_whole(b, op, 0, DType.INT16)])


@handles("CUSTOM SignalRfft")
def _rfft(b: Builder, op: RawOp) -> None:
    """Of int16 samples, with a length that is a power of 2."""
    x, length = _whole(b, op, 0, DType.INT16), op.option("fft_length")
    spectrum = b.step(Rfft(length), [x], f"{short_name(b.tensor(op.outputs[0]).name)}/values", None)
    b.emit(op, Reshape((*b.shape(x)[:-1], length + 2)), [spectrum])


@handles("CUSTOM SignalEnergy")
def _energy(b: Builder, op: RawOp) -> None:
    """Of a spectrum of int16; bins that are not computed are 0."""
    x = _whole(b, op, 0, DType.INT16)
    shape = b.shape(x)
    if not shape or shape[-1] % 2:
        raise Problem(f"its input of shape {shape} is no spectrum", AGAIN)
    spectrum = _shaped(b, op, x, (*shape[:-1], shape[-1] // 2, 2))
    b.emit(op, Energy(op.option("start_index"), op.option("end_index")), [spectrum])


@handles("CUSTOM SignalFilterBank")
def _filter_bank(b: Builder, op: RawOp) -> None:
    """Constant tables; its result is for a SignalFilterBankSquareRoot."""
    weights, unweights, starts, firsts, widths = (_table(b, op, k) for k in range(1, 6))
    bank = FilterBank(starts, firsts, widths, weights, unweights)
    hint = short_name(b.tensor(op.outputs[0]).name)
    b.values[op.outputs[0]] = b.step(bank, [_whole(b, op)], hint, None)  # the file's shape has no words


@handles("CUSTOM SignalFilterBankSquareRoot")
def _square_root(b: Builder, op: RawOp) -> None:
    """Of sums over bands, by the exponent of a SignalFftAutoScale."""
    b.emit(op, FilterBankSquareRoot(), [_whole(b, op), _whole(b, op, 1)])


@handles("CUSTOM SignalFilterBankSpectralSubtraction")
def _spectral_subtraction(b: Builder, op: RawOp) -> None:
    """Its estimates of noise are a state."""
    x, noise = _whole(b, op), b.tensor(op.outputs[1] if len(op.outputs) == 2 else -1)
    new = (op.option("smoothing"), op.option("alternate_smoothing"))
    kept = (op.option("one_minus_smoothing"), op.option("alternate_one_minus_smoothing"))
    least, clamping = op.option("min_signal_remaining"), bool(op.option("clamping"))
    bits = (op.option("smoothing_bits"), op.option("spectral_subtraction_bits"))
    key = ("noise", noise.index)
    before = b.variable(key, f"{short_name(noise.name)}/state", TensorType(b.shape(x), DType.INT32))
    b.emit(op, SpectralSubtraction(new, kept, least, *bits, clamping), [x, before])
    b.assign(key, b.values[noise.index])


@handles("CUSTOM SignalPCAN")
def _pcan(b: Builder, op: RawOp) -> None:
    """A constant table of gains."""
    b.emit(op, Pcan(_table(b, op, 2), op.option("snr_shift")), [_whole(b, op), _whole(b, op, 1)])


@handles("CUSTOM SignalFilterBankLog")
def _log(b: Builder, op: RawOp) -> None:
    """A scale that is not negative."""
    b.emit(op, FilterBankLog(op.option("output_scale"), op.option("input_correction_bits")), [_whole(b, op)])
