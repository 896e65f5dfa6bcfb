"""Fourier transforms of a fixed length: of frames in float32, all others as products with constant matrices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.axes import normalize_axes
from edgeq.importers.onnx.choice import along, part
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.linear import fully_connected
from edgeq.importers.onnx.node import Constant, OnnxNode
from edgeq.ir.graph import Graph
from edgeq.ir.real import remain_real
from edgeq.ir.tensor import Array, TensorType
from edgeq.numerics.spectrum import LENGTHS
from edgeq.ops.log import Log
from edgeq.ops.mul import Mul
from edgeq.ops.pad import Pad
from edgeq.ops.quantize import Quantize
from edgeq.ops.reshape import Reshape
from edgeq.ops.spectrum import Spectrum
from edgeq.ops.transpose import Transpose
from edgeq.warnings import warn

_CHECK = "check the attributes and shapes of this node"
LONGEST = 4096
"""Samples of the longest transform: its matrix has four times its square elements."""


def matrix(length: int, bins: int, inverse: bool, complex_in: bool) -> Array:
    """Rows (bin, real or imaginary part), columns (sample, or sample and its part): the transform of `length`."""
    turn = 2.0 * np.pi * np.outer(np.arange(bins), np.arange(length)) / length * (1.0 if inverse else -1.0)
    size = length if inverse else 1
    real, imaginary = np.cos(turn) / size, np.sin(turn) / size
    if complex_in:
        rows = np.stack([np.stack([real, -imaginary], -1), np.stack([imaginary, real], -1)], 1)
    else:
        rows = np.stack([real, imaginary], 1)
    return np.asarray(rows.reshape(2 * bins, -1), np.float32)


def transformed(node: OnnxNode, x: str, length: int, onesided: bool, inverse: bool) -> str:
    """Add the transform of the last axis but one, which holds `length` numbers of one or two parts.

    Raises:
        ModelError: it is too long.
    """
    if length > LONGEST:
        raise ModelError(f"a transform of {length} samples is too long", hint=f"use at most {LONGEST}")
    *lead, size, parts = node.type(x).shape
    if onesided and inverse:
        return _real_inverse(node, x, length)
    if size > length:
        x = part(node, x, len(lead), 0, length, "cut")
    elif size < length:
        x = node.emit(
            Pad((0,) * (len(lead) + 2), (*(0,) * len(lead), length - size, 0), "constant", 0.0), [x], "padded"
        )
    bins = length // 2 + 1 if onesided else length
    flat = node.emit(Reshape((*lead, length * parts)), [x], "samples", keep_q=True)
    weights = matrix(length, bins, inverse, parts == 2)
    y = fully_connected(node, flat, Constant(f"{node.name}_transform", weights), None)
    return node.emit(Reshape((*lead, bins, 2)), [y], "spectrum", keep_q=True)


def _real_inverse(node: OnnxNode, x: str, length: int) -> str:
    """The real signal of which only the first half of the spectrum is given: the other half is its conjugate."""
    *lead, size, parts = node.type(x).shape
    bins = length // 2 + 1
    if parts != 2 or not 1 <= bins <= size:
        raise ModelError(f"a spectrum of {size} bins of {parts} part(s) is no half of {length}", hint=_CHECK)
    twice = np.where((np.arange(bins) == 0) | (2 * np.arange(bins) == length), 1.0, 2.0)
    turn = 2.0 * np.pi * np.outer(np.arange(length), np.arange(bins)) / length
    rows = np.stack([np.cos(turn) * twice, -np.sin(turn) * twice], -1).reshape(length, 2 * bins) / length
    flat = node.emit(Reshape((*lead, bins * 2)), [part(node, x, len(lead), 0, bins, "half")], "bins", keep_q=True)
    y = fully_connected(node, flat, Constant(f"{node.name}_transform", rows.astype(np.float32)), None)
    return node.emit(Reshape((*lead, length, 1)), [y], "signal", keep_q=True)


@handles("DFT")
def discrete_fourier(node: OnnxNode) -> None:
    """DFT along an axis: the last axis holds one real number, or a real and an imaginary part.

    Raises:
        ModelError: its length is computed at run time, or its attributes do not fit.
    """
    shape = node.shape(0)
    rank = len(shape)
    if node.has(2):
        axes = node.ints(2, "the axis") or ()
        chosen = axes[0] if len(axes) == 1 else rank
    else:
        chosen = node.attr_int("axis", 1 if node.opset < 20 else -2)
    (axis,) = normalize_axes([chosen], rank)
    if axis == rank - 1 or shape[-1] not in (1, 2):
        raise ModelError(f"axis {axis} of {shape} cannot be transformed", hint=_CHECK)
    given = node.ints(1, "the length") if node.has(1) else None
    length = given[0] if given else shape[axis]
    onesided, inverse = bool(node.attr_int("onesided", 0)), bool(node.attr_int("inverse", 0))
    if inverse and onesided:
        length = given[0] if given else 2 * (shape[axis] - 1)
    there = (*(k for k in range(rank - 1) if k != axis), axis, rank - 1)
    moved = node.value(0)
    if there != tuple(range(rank)):
        moved = node.emit(Transpose(there), [moved], "moved", keep_q=True)
    y = transformed(node, moved, length, onesided, inverse)
    back = tuple(there.index(k) for k in range(rank))
    node.result(y if back == tuple(range(rank)) else node.emit(Transpose(back), [y], "back", keep_q=True))


@handles("STFT")
def short_time_fourier(node: OnnxNode) -> None:
    """The transforms of overlapping frames (batch, frames, bins, 2), each weighted by a window.

    Raises:
        ModelError: step or length are computed at run time, or the signal is complex.
    """
    shape = node.shape(0)
    if len(shape) == 2:
        shape = (*shape, 1)
    if len(shape) != 3 or shape[2] != 1:
        raise ModelError(f"a signal of shape {shape} is not supported", hint="use real signals (batch, samples)")
    step = (node.ints(1, "the step") or (0,))[0]
    window = node.reals(2, "the window").ravel() if node.has(2) else None
    given = node.ints(3, "the length of frames") if node.has(3) else None
    length = given[0] if given else 0 if window is None else window.size
    if step < 1 or not 0 < length <= shape[1] or (window is not None and window.size != length):
        raise ModelError(f"frames of {length} at steps of {step} do not fit {shape[1]} samples", hint=_CHECK)
    flat = node.emit(Reshape(shape[:2]), [node.value(0)], "signal", keep_q=True)
    onesided = bool(node.attr_int("onesided", 1))
    if onesided and length in LENGTHS and node.type(flat).q is None:
        weights = node.store("window", np.ones(length, np.float32) if window is None else window.astype(np.float32))
        node.result(node.emit(Spectrum(length, step, 0), [flat, weights], "spectrum"))
        return
    starts = np.arange(0, shape[1] - length + 1, step)
    framed = along(node, flat, 1, (starts[:, None] + np.arange(length)).ravel(), "framed")
    frames = node.emit(Reshape((shape[0], starts.size, length)), [framed], "frames", keep_q=True)
    if window is not None:
        frames = node.emit(Mul(), [frames, node.store("window", window.astype(np.float32))], "windowed")
    wide = node.emit(Reshape((shape[0], starts.size, length, 1)), [frames], "parts", keep_q=True)
    node.result(transformed(node, wide, length, onesided, inverse=False))


def close_islands(graph: Graph) -> Graph:
    """A graph whose spectra remain real up to their logarithms, which are quantized where anything follows them.

    Spectra have a range that no 8 bits hold, logarithms of them have not.
    """
    spectra = [node.name for node in graph.nodes if isinstance(node.op, Spectrum)]
    real = remain_real(graph) if spectra else frozenset[str]()
    editor, closed = graph.edit(), False
    for node in graph.nodes:
        (out, *_) = node.outputs
        if not isinstance(node.op, Log) or out not in real or not graph.consumers[out]:
            continue
        (quantized,) = editor.add(
            Quantize(), [out], editor.unique(f"{out}_quantized"), types=[TensorType(graph.type(out).shape)]
        )
        for reader in graph.consumers[out]:
            inputs = tuple(quantized if name == out else name for name in editor.nodes[reader.name].inputs)
            editor.replace_node(reader.name, replace(editor.nodes[reader.name], inputs=inputs))
        closed = True
    if spectra and not closed:
        warn(
            "no logarithm follows this spectrum: all layers behind it stay in float32",
            hint="let the model take the logarithm of energies, or leave the spectrum to the application",
            where=spectra[0],
        )
    return editor.finish() if closed else graph
