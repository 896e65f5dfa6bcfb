"""A front end before a model: the program takes samples of sound, and keeps what it needs of those before."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgeq.errors import UsageError
from edgeq.frontend import SHARE_BITS, SMOOTHING_BITS, WHERE, Frontend
from edgeq.ir.graph import Graph, GraphEditor, State
from edgeq.ir.op import Op
from edgeq.ir.tensor import DType, TensorType
from edgeq.ops.concat import Concat
from edgeq.ops.energy import Energy
from edgeq.ops.fft_auto_scale import FftAutoScale
from edgeq.ops.filter_bank import FilterBank
from edgeq.ops.filter_bank_log import FilterBankLog
from edgeq.ops.filter_bank_square_root import FilterBankSquareRoot
from edgeq.ops.pcan import Pcan
from edgeq.ops.reshape import Reshape
from edgeq.ops.rfft import Rfft
from edgeq.ops.signal_frame import SignalFrame
from edgeq.ops.signal_window import SignalWindow
from edgeq.ops.slice import Slice
from edgeq.ops.spectral_subtraction import SpectralSubtraction
from edgeq.ops.whole_to_real import WholeToReal


def with_frontend(graph: Graph, spec: Frontend) -> Graph:
    """The model behind a front end, of which each step takes `spec.step` new samples (1, step) of 16 bits.

    States are the last samples, estimates of noise and, if the model takes more frames than are new, the features of
    the others, which are 0 at first.

    Args:
        graph: the float graph, as imported.
        spec: the front end.

    Raises:
        UsageError: there is no such input, or it does not consist of frames of so many channels, new ones at least.
    """
    name = _input_of(graph, spec)
    frames = graph.type(name).size // spec.channels
    if frames * spec.channels != graph.type(name).size or frames < spec.frames:
        raise UsageError(
            f"the input {name!r} of shape {list(graph.type(name).shape)} does not consist of at least {spec.frames} "
            f"frames of {spec.channels} channels",
            hint="channels and frames are those that the model was trained with",
            where=WHERE,
        )
    return _Joined(graph, name, spec, frames).finish()


def _input_of(graph: Graph, spec: Frontend) -> str:
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
    """A graph that is being made: of the model, its input, the front end, and how many frames the input has."""

    graph: Graph
    name: str
    spec: Frontend
    frames: int

    def __post_init__(self) -> None:
        self.editor: GraphEditor = self.graph.edit()
        self.type = self.graph.type(self.name)

    def add(self, op: Op, inputs: list[str], hint: str, real: bool = False) -> tuple[str, ...]:
        """Add a node; `real`: its output has the parameters that the model prescribes for its input, if it does."""
        types = None
        if real:
            (shape,) = op.out_shapes([self.editor.values[i].type.shape for i in inputs])
            types = [replace(self.type, shape=shape)]
        return self.editor.add(op, inputs, self.editor.unique(f"frontend_{hint}"), types=types)

    def state(self, hint: str, type: TensorType) -> str:
        return self.editor.input(self.editor.unique(f"frontend_{hint}"), type)

    def keep(self, before: str, after: str) -> None:
        """Make `after` what `before` is in the next step."""
        self.editor.outputs.append(after)
        self.editor.states.append(State(before, after))

    def finish(self) -> Graph:
        spec, editor = self.spec, self.editor
        readers = [node for node in editor.nodes.values() if self.name in node.inputs]
        place = editor.inputs.index(self.name)
        editor.ports.pop(self.name, None)
        samples = editor.unique("samples")
        editor.input(samples, TensorType((1, spec.step), DType.INT16))
        editor.inputs.insert(place, editor.inputs.pop())
        editor.inputs.remove(self.name)
        last = max(spec.window - spec.stride, 1)
        kept = self.state("kept", TensorType((1, last), DType.INT16))
        noise = first_noise = self.state("noise", TensorType((1, spec.channels), DType.INT32))
        features = []
        for k in range(spec.frames):
            first = last - (spec.window - spec.stride) + k * spec.stride
            (frame,) = self.add(SignalFrame(first, spec.window), [kept, samples], "frame")
            feature, noise = self.features(frame, noise)
            features.append(feature)
        (after,) = self.add(SignalFrame(spec.step, last), [kept, samples], "kept_next")
        self.keep(kept, after)
        self.keep(first_noise, noise)
        joined = self.joined(features)
        (seen,) = self.add(Reshape(self.type.shape), [joined], "features", real=True)
        editor.values.pop(self.name)
        for node in readers:
            inputs = tuple(seen if i == self.name else i for i in editor.nodes[node.name].inputs)
            editor.replace_node(node.name, replace(editor.nodes[node.name], inputs=inputs))
        editor.rename_output(self.name, seen)
        return editor.finish()

    def features(self, frame: str, noise: str) -> tuple[str, str]:
        """Features (1, 1, channels) of a frame, and the noise after it."""
        spec, bands = self.spec, self.spec.bands
        (shaped,) = self.add(SignalWindow(tuple(spec.weights.tolist())), [frame], "window")
        scaled, bits = self.add(FftAutoScale(), [shaped], "scaled")
        (spectrum,) = self.add(Rfft(spec.length), [scaled], "spectrum")
        (energy,) = self.add(Energy(bands.start, bands.end), [spectrum], "energy")
        weights, unweights = (tuple(w.tolist()) for w in (bands.weights, bands.unweights))
        sums = FilterBank(bands.starts, bands.firsts, bands.widths, weights, unweights)
        (found,) = self.add(sums, [energy], "bands")
        (roots,) = self.add(FilterBankSquareRoot(), [found, bits], "roots")
        cleaning = SpectralSubtraction(*spec.shares, SMOOTHING_BITS, SHARE_BITS)
        cleaned, after = self.add(cleaning, [roots, noise], "cleaned")
        if spec.pcan:
            (cleaned,) = self.add(Pcan(tuple(spec.gains.tolist()), spec.snr_shift), [cleaned, after], "gained")
        (logs,) = self.add(FilterBankLog(1 << spec.log_shift, spec.correction_bits), [cleaned], "logs")
        (shaped,) = self.add(Reshape((1, 1, spec.channels)), [logs], "logs_row")
        return self.add(WholeToReal(spec.scale), [shaped], "feature", real=True)[0], after

    def joined(self, features: list[str]) -> str:
        """Features (1, frames, channels), old ones first."""
        old, channels = self.frames - self.spec.frames, self.spec.channels
        if old == 0:
            return features[0] if len(features) == 1 else self.add(Concat(1), features, "frames", real=True)[0]
        history = self.state("history", replace(self.type, shape=(1, old, channels)))
        (joined,) = self.add(Concat(1), [history, *features], "frames", real=True)
        begin, end = (0, self.spec.frames, 0), (1, self.frames, channels)
        (after,) = self.add(Slice(begin, end, (1, 1, 1)), [joined], "history_next", real=True)
        self.keep(history, after)
        return joined
