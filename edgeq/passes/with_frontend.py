"""A front end before a model: the program takes samples of sound, and keeps what it needs of those before."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeq.errors import UsageError
from edgeq.frontend import AnyFrontend, Frontend, MelFrontend, MotionFrontend
from edgeq.frontend.micro import SHARE_BITS, SMOOTHING_BITS
from edgeq.frontend.motion import LOG10
from edgeq.frontend.sound import WHERE
from edgeq.ir.graph import Graph, GraphEditor, State
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array, DType, TensorType
from edgeq.ops.add import Add
from edgeq.ops.concat import Concat
from edgeq.ops.energy import Energy
from edgeq.ops.fft_auto_scale import FftAutoScale
from edgeq.ops.filter_bank import FilterBank
from edgeq.ops.filter_bank_log import FilterBankLog
from edgeq.ops.filter_bank_square_root import FilterBankSquareRoot
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.log import Log
from edgeq.ops.maximum import Maximum
from edgeq.ops.mul import Mul
from edgeq.ops.pcan import Pcan
from edgeq.ops.quantize import Quantize
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.reshape import Reshape
from edgeq.ops.rfft import Rfft
from edgeq.ops.sample_spectrum import SampleSpectrum
from edgeq.ops.sample_statistics import SampleStatistics
from edgeq.ops.signal_frame import SignalFrame
from edgeq.ops.signal_window import SignalWindow
from edgeq.ops.slice import Slice
from edgeq.ops.spectral_subtraction import SpectralSubtraction
from edgeq.ops.whole_to_real import WholeToReal
from edgeq.warnings import warn


def with_frontend(graph: Graph, spec: AnyFrontend) -> Graph:
    """The model behind a front end, of which each step takes `spec.step` new samples (1, step) of 16 bits.

    States are the last samples, estimates of noise and, if the model takes more frames than are new, the features of
    the others, which are 0 at first.

    Args:
        graph: the float graph, as imported.
        spec: the front end.

    Raises:
        UsageError: there is no such input, or it does not consist of frames of so many channels, new ones at least.
    """
    name, (new, width) = _input_of(graph, spec), _of_run(spec)
    frames = graph.type(name).size // width
    clip = isinstance(spec, MelFrontend) and spec.clip > 0
    if frames * width != graph.type(name).size or frames < new or (clip and frames != new):
        raise UsageError(
            f"the input {name!r} of shape {list(graph.type(name).shape)} does not consist of "
            f"{'' if clip else 'at least '}{new} frames of {width} {_width_key(spec)}",
            hint=f"{_width_key(spec)} and {'clip_ms' if clip else 'frames'} are those that the model was trained with",
            where=WHERE,
        )
    if not isinstance(spec, MotionFrontend) and spec.bands.empty:
        warn(
            f"of {spec.channels} mel bands {spec.bands.empty} lie between two bins of the spectrum: their features are "
            "the same for any sound",
            hint="use fewer channels, longer frames or a longer transform, unless the model was trained so",
            where=WHERE,
        )
    joined = _Joined(graph, name, spec.step, frames, new)
    if isinstance(spec, MelFrontend):
        return joined.finish(_mel_clip(joined, spec) if clip else _mel(joined, spec))
    if isinstance(spec, MotionFrontend):
        return joined.finish([_motion(joined, spec)])
    return joined.finish(_micro(joined, spec))


def _of_run(spec: AnyFrontend) -> tuple[int, int]:
    """Frames that a run adds, and how many features each has."""
    if isinstance(spec, MotionFrontend):
        return 1, spec.width
    return (spec.frames, spec.channels) if isinstance(spec, Frontend) else (spec.new_frames, spec.features_of_frame)


def _width_key(spec: AnyFrontend) -> str:
    return {"mfcc": "coefficients", "motion": "features"}.get(spec.kind, "channels")


def _input_of(graph: Graph, spec: AnyFrontend) -> str:
    if spec.name is None and len(graph.public_inputs) == 1:
        return graph.public_inputs[0]
    if spec.name not in graph.public_inputs:
        raise UsageError(
            "it is not said which input takes features" if spec.name is None else f"there is no input {spec.name!r}",
            hint="set name to one of " + ", ".join(graph.public_inputs),
            where=WHERE,
        )
    return spec.name


@dataclass
class _Joined:
    """A graph that is being made: of the model, its input, samples of a run, and how many frames the input has."""

    graph: Graph
    name: str
    step: int
    frames: int
    new: int

    def __post_init__(self) -> None:
        self.editor: GraphEditor = self.graph.edit()
        self.type = self.graph.type(self.name)
        self.readers = [node for node in self.editor.nodes.values() if self.name in node.inputs]
        place = self.editor.inputs.index(self.name)
        self.editor.ports.pop(self.name, None)
        self.samples = self.editor.unique("samples")
        self.editor.input(self.samples, TensorType((1, self.step), DType.INT16))
        self.editor.inputs.insert(place, self.editor.inputs.pop())
        self.editor.inputs.remove(self.name)

    def add(self, op: Op, inputs: list[str], hint: str, real: bool = False) -> tuple[str, ...]:
        """Add a node; `real`: its output has the parameters that the model prescribes for its input, if it does."""
        types = None
        if real:
            (shape,) = op.out_shapes([self.editor.values[i].type.shape for i in inputs])
            types = [replace(self.type, shape=shape)]
        return self.editor.add(op, inputs, self.editor.unique(f"frontend_{hint}"), types=types)

    def constant(self, hint: str, data: Array) -> str:
        return self.editor.constant(self.editor.unique(f"frontend_{hint}"), data)

    def state(self, hint: str, type: TensorType) -> str:
        return self.editor.input(self.editor.unique(f"frontend_{hint}"), type)

    def keep(self, before: str, after: str) -> None:
        """Make `after` what `before` is in the next step."""
        self.editor.outputs.append(after)
        self.editor.states.append(State(before, after))

    def kept(self, count: int) -> str:
        """The last samples of the steps before, of which there are `count`."""
        kept = self.state("kept", TensorType((1, count), DType.INT16))
        (after,) = self.add(SignalFrame(self.step, count), [kept, self.samples], "kept_next")
        self.keep(kept, after)
        return kept

    def with_history(self, features: list[str]) -> str:
        """Features (1, frames, channels) of all frames of the model's input, old ones first."""
        old, channels = self.frames - self.new, self.type.size // self.frames
        if old == 0:
            return features[0] if len(features) == 1 else self.add(Concat(1), features, "frames", real=True)[0]
        history = self.state("history", replace(self.type, shape=(1, old, channels)))
        (joined,) = self.add(Concat(1), [history, *features], "frames", real=True)
        begin, end = (0, self.new, 0), (1, self.frames, channels)
        (after,) = self.add(Slice(begin, end, (1, 1, 1)), [joined], "history_next", real=True)
        self.keep(history, after)
        return joined

    def finish(self, features: list[str]) -> Graph:
        """The graph, of the features (1, …, channels) of a run's new frames."""
        editor = self.editor
        (seen,) = self.add(Reshape(self.type.shape), [self.with_history(features)], "features", real=True)
        editor.values.pop(self.name)
        for node in self.readers:
            inputs = tuple(seen if i == self.name else i for i in editor.nodes[node.name].inputs)
            editor.replace_node(node.name, replace(editor.nodes[node.name], inputs=inputs))
        editor.rename_output(self.name, seen)
        return editor.finish()


def _micro(joined: _Joined, spec: Frontend) -> list[str]:
    """Features of each frame, with estimates of noise from one to the next."""
    overlap = spec.window - spec.stride
    last = max(overlap, 1)
    kept = joined.kept(last)
    noise = first_noise = joined.state("noise", TensorType((1, spec.channels), DType.INT32))
    features = []
    for k in range(spec.frames):
        first = last - overlap + k * spec.stride
        (frame,) = joined.add(SignalFrame(first, spec.window), [kept, joined.samples], "frame")
        feature, noise = _micro_frame(joined, spec, frame, noise)
        features.append(feature)
    joined.keep(first_noise, noise)
    return features


def _micro_frame(joined: _Joined, spec: Frontend, frame: str, noise: str) -> tuple[str, str]:
    """Features (1, 1, channels) of a frame, and the noise after it."""
    bands = spec.bands
    (shaped,) = joined.add(SignalWindow(tuple(spec.weights.tolist())), [frame], "window")
    scaled, bits = joined.add(FftAutoScale(), [shaped], "scaled")
    (spectrum,) = joined.add(Rfft(spec.length), [scaled], "spectrum")
    (energy,) = joined.add(Energy(bands.start, bands.end), [spectrum], "energy")
    weights, unweights = (tuple(w.tolist()) for w in (bands.weights, bands.unweights))
    sums = FilterBank(bands.starts, bands.firsts, bands.widths, weights, unweights)
    (found,) = joined.add(sums, [energy], "bands")
    (roots,) = joined.add(FilterBankSquareRoot(), [found, bits], "roots")
    cleaning = SpectralSubtraction(*spec.shares, SMOOTHING_BITS, SHARE_BITS)
    cleaned, after = joined.add(cleaning, [roots, noise], "cleaned")
    if spec.pcan:
        (cleaned,) = joined.add(Pcan(tuple(spec.gains.tolist()), spec.snr_shift), [cleaned, after], "gained")
    (logs,) = joined.add(FilterBankLog(1 << spec.log_shift, spec.correction_bits), [cleaned], "logs")
    (shaped,) = joined.add(Reshape((1, 1, spec.channels)), [logs], "logs_row")
    return joined.add(WholeToReal(spec.scale), [shaped], "feature", real=True)[0], after


def _mel(joined: _Joined, spec: MelFrontend) -> list[str]:
    """Features of all new frames, which begin with samples of the steps before."""
    overlap = spec.samples - spec.stride
    if overlap == 0:
        return _mel_clip(joined, spec)
    kept = joined.kept(overlap)
    (heard,) = joined.add(SignalFrame(0, overlap + spec.step), [kept, joined.samples], "heard")
    return [_mel_features(joined, spec, heard)]


def _mel_clip(joined: _Joined, spec: MelFrontend) -> list[str]:
    """Features of all frames of a run's samples."""
    return [_mel_features(joined, spec, joined.samples)]


def _mel_features(joined: _Joined, spec: MelFrontend, heard: str) -> str:
    """Features (1, frames, channels or coefficients) of samples (1, n), quantized for the model."""
    tables = [joined.constant("weights", spec.weights), joined.constant("mel", spec.bands.weights)]
    starts, widths = (tuple(places.tolist()) for places in (spec.bands.starts, spec.bands.widths))
    spectrum = SampleSpectrum(spec.length, spec.stride, spec.power, starts, widths)
    (value,) = joined.add(spectrum, [heard, *tables], "bands")

    def add(op: Op, number: float, hint: str) -> str:
        return joined.add(op, [value, joined.constant(f"{hint}_number", _one(number))], hint)[0]

    if spec.log_offset:
        value = add(Add(), spec.log_offset, "offset")
    if spec.log_floor:
        value = add(Maximum(), spec.log_floor, "floor")
    (value,) = joined.add(Log(), [value], "logs")
    if spec.kind == "mfcc":
        shift = np.full(spec.features_of_frame, spec.shift, np.float32)
        products = [joined.constant("cosines", spec.cosines), joined.constant("shift", shift)]
        (value,) = joined.add(FullyConnected(), [value, *products], "coefficients")
    else:
        value = add(Mul(), spec.factor, "scale") if spec.factor != 1 else value
        value = add(Add(), spec.shift, "shift") if spec.shift else value
    return joined.add(Quantize(), [value], "feature", real=True)[0]


def _motion(joined: _Joined, spec: MotionFrontend) -> str:
    """Features (1, 1, features) of a window, which begins with samples of the steps before."""
    heard, overlap = joined.samples, (spec.samples - spec.stride) * spec.axes
    if overlap:
        kept = joined.kept(overlap)
        (heard,) = joined.add(SignalFrame(0, overlap + spec.step), [kept, joined.samples], "heard")
    parts: list[str] = []
    if spec.statistics:
        parts += joined.add(SampleStatistics(spec.axes, spec.chosen, spec.sample_scale), [heard], "statistics")
    if spec.fft_length:
        parts.append(_motion_spectrum(joined, spec, heard))
    value = parts[0] if len(parts) == 1 else joined.add(Concat(2), parts, "window")[0]
    (value,) = joined.add(Reshape((1, 1, spec.width)), [value], "row")
    return joined.add(Quantize(), [value], "feature", real=True)[0]


def _motion_spectrum(joined: _Joined, spec: MotionFrontend, heard: str) -> str:
    """Logarithms (1, axes, bins) of the greatest energies of all transforms of a window."""
    ones = tuple([1] * spec.bins)
    tables = [joined.constant("weights", spec.weights), joined.constant("bins", np.array(ones, np.float32))]
    op = SampleSpectrum(spec.fft_length, spec.bins, 2, tuple(range(1, spec.bins + 1)), ones, spec.axes)
    (value,) = joined.add(op, [heard, *tables], "energies")
    (value,) = joined.add(ReduceMax((len(joined.editor.values[value].type.shape) - 2,)), [value], "greatest")
    (value,) = joined.add(Add(), [value, joined.constant("offset_number", _one(spec.log_offset))], "offset")
    (value,) = joined.add(Log(), [value], "logs")
    (value,) = joined.add(Mul(), [value, joined.constant("scale_number", _one(LOG10))], "scale")
    return joined.add(Reshape((1, spec.axes, spec.bins)), [value], "spectrum")[0]


def _one(number: float) -> Array:
    return np.array([number], np.float32)
