"""Blocks of layers whose weights are learned together, so that a block's output comes nearest to the float model's.

Rounding looks at one layer's sums. What a rectifier cuts off does not matter, and what one layer loses the next can
make up for; both only the output of a block of layers tells (Li et al., "BRECQ", 2021). A block ends where one tensor
is all that the rest of the model sees, as behind a residual block, and has at least two layers. Blocks are taken in
their order, each with the inputs that the learned ones before it give, in the integers that will be computed.

In turn each layer of a block changes one weight of every output channel by one step, that which the gradient of the
block's error and its curvature promise most of, and biases keep the means of sums. Where that makes the error larger,
it is taken back, and fewer of the changes are tried. Some samples are held back: what is best for these is kept, and a
block whose changes do not bring the whole model's outputs nearer to float on them stays as it is. (Real numbers behind
the integers that go down the gradient, as in training, end far above what rounding by sums begins with.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edgeq.executor import Executor, Operands
from edgeq.ir.graph import Graph, GraphEditor, Node, Value
from edgeq.ir.quant_rule import Product
from edgeq.ir.tensor import Array, Shape
from edgeq.quantize.calibrate import choose
from edgeq.quantize.convert import convert
from edgeq.quantize.distance import Distance
from edgeq.quantize.float_values import FloatValues
from edgeq.quantize.gradients import Backward, passes
from edgeq.quantize.methods.correct_biases import EditedIntegers
from edgeq.quantize.operands import float_products, operand, rule_of
from edgeq.quantize.ranges import WEIGHT_MAX, Levels, levels_of
from edgeq.quantize.solver import requantized_twins
from edgeq.quantize.statistics import Floats
from edgeq.quantize.step import Draft, Step
from edgeq.quantize.trials import possible, scores_of
from edgeq.quantize.weights import MOST_BIAS
from edgeq.warnings import warn

LAYERS = 2
"""Of a block, at least, where there are so many."""
SAMPLES = 64
"""By which a block is changed, at most."""
HELD_BACK = 4
"""Of so many samples one is held back, to see by."""
SUMS = 4
"""Sums of a layer on the samples for each weight of one; where they are fewer, samples would be learned by heart."""
TURNS = 40
"""Changes that are tried, at most, of one layer each."""
PROBES = 16
"""Random directions, each of other samples, from which curvatures are learned."""
FEWER = 4
"""By so much a change that was none for the better gets smaller."""


@dataclass(frozen=True)
class Block:
    """Nodes between two tensors.

    Attributes:
        source: what goes in.
        nodes: in order.
        layers: the products of those that are learned.
    """

    source: str
    nodes: tuple[Node, ...]
    layers: Mapping[str, Product]

    @property
    def end(self) -> str:
        """What comes out."""
        return self.nodes[-1].outputs[0]


def _learnable(draft: Draft) -> dict[str, Product]:
    """Layers whose weights are edgeq's to decide, each with a weight and a bias that nobody else reads, and sums enough
    on the samples."""
    count = 0 if draft.samples is None else len(draft.samples)
    graph, found = draft.graph, dict[str, Product]()
    if count < HELD_BACK:  # none would be held back
        return found
    count = min(SAMPLES, count - count // HELD_BACK)
    floats = {node.name: node for node in draft.reference.nodes}
    for node in graph.nodes:
        products = rule_of(graph, node).products
        own = node.name in floats and len(float_products(draft.reference, floats[node.name])) == 1
        if len(products) != 1 or not own or not draft.config.for_layer(node.name).reconstruct:
            continue
        names = [str(node.inputs[products[0].weight]), operand(node, products[0].bias)]
        if products[0].axis is None or not all(n is None or len(graph.consumers[n]) == 1 for n in names):
            continue
        weights = graph.type(str(names[0])).shape
        factors = node.op.factors(np.zeros(graph.type(str(node.inputs[0])).shape, np.int8), weights)
        if factors is not None and count * factors.shape[1] >= SUMS * factors.shape[2]:
            found[node.name] = products[0]
    return found


def blocks_of(graph: Graph, learnable: Mapping[str, Product]) -> Iterator[Block]:
    """The blocks of an integer graph that hold something to learn, in order."""
    left = Counter({name: len(graph.consumers[name]) for name in graph.values if graph.data(name) is None})
    left.update(graph.outputs)
    (source,) = graph.inputs if len(graph.inputs) == 1 else (None,)
    held: set[str] = set(graph.inputs)
    nodes: list[Node] = []
    done: list[Node] = []

    def block() -> Iterator[Block]:
        layers = {n.name: learnable[n.name] for n in done if n.name in learnable}
        if layers and source is not None:
            yield Block(source, tuple(done), layers)

    for node in graph.nodes:
        nodes.append(node)
        for name in {n for n in node.inputs if n is not None and n in left}:
            left[name] -= 1
            if not left[name]:
                held.discard(name)
        held.update(node.outputs)
        if len(held) > 1 or len(node.outputs) > 1:
            continue
        through = all(passes(graph, n) for n in nodes)
        if not through and done:
            yield from block()
            source, done = done[-1].outputs[0], []
        done, nodes = [*done, *nodes], []
        if sum(n.name in learnable for n in done) >= LAYERS or not through:
            yield from block()
            source, done = node.outputs[0], []
    yield from block()


class _Layer:
    """A layer's integers while they change.

    Args:
        editor: the block's constants.
        node: the layer.
        product: its product.
        channels: (groups, outputs) the channel of each row of weights.
    """

    def __init__(self, editor: GraphEditor, node: Node, product: Product, channels: npt.NDArray[np.int64]) -> None:
        self._editor, self._from_groups, self._channels = editor, node.op.from_groups, channels
        self.names = tuple(n for n in (str(node.inputs[product.weight]), operand(node, product.bias)) if n is not None)
        weight = editor.values[self.names[0]]
        self.levels, self.weights = _levels(weight), node.op.by_group(np.asarray(weight.data, np.float64))
        signs = weight.type.signs(np.asarray(weight.data)).astype(np.float64)
        self.signs = node.op.by_group(np.broadcast_to(signs, weight.type.shape))
        q = weight.type.qp
        factors = np.ones(1) if q.groups is None else q.groups.spread(weight.type.shape).astype(np.float64)
        self._factors = node.op.by_group(np.broadcast_to(factors, weight.type.shape))
        self._bias = np.asarray(editor.values[self.names[1]].data, np.float64) if len(self.names) > 1 else np.zeros(0)
        self._room = np.maximum(MOST_BIAS - np.abs(self._bias), 0.0)
        self._first = self.weights

    def put(self, weights: Floats, means: Floats) -> None:
        """Store weights (groups, outputs, taps), and biases that leave the means of sums as they were.

        Args:
            weights: integers.
            means: (groups, 1, taps) of what they are multiplied with, in steps.
        """
        self.weights = weights
        type = self._editor.values[self.names[0]].type
        data = [self._from_groups(weights, type.shape).astype(type.dtype.numpy)]
        if len(self.names) > 1:
            shift = np.cumsum((weights - self._first) * self._factors * means, axis=2)[:, :, -1]
            moved = np.zeros(len(self._bias))
            moved[self._channels.ravel()] = shift.ravel()
            data.append(np.rint(self._bias - np.clip(moved, -self._room, self._room)).astype(np.int32))
        for name, array in zip(self.names, data, strict=True):
            array.flags.writeable = False
            self._editor.values[name] = replace(self._editor.values[name], data=array)


def _levels(weight: Value) -> Levels:
    assert weight.data is not None
    if weight.type.dtype.is_code:
        return Levels(-WEIGHT_MAX, WEIGHT_MAX, table=tuple(int(v) for v in np.unique(weight.data)))
    return levels_of(weight.type.dtype)


def _beside(levels: Levels, weights: Floats, slope: Floats) -> Floats:
    """The integers one further down the slope, or the same at the end of what a weight may be."""
    if not levels.table:
        return np.clip(weights - np.sign(slope) * levels.step, levels.least, levels.greatest)
    table = np.asarray(levels.table, np.float64)
    at = np.searchsorted(table, weights) - np.sign(slope).astype(np.int64)
    return np.asarray(table[np.clip(at, 0, len(table) - 1)])


class _Attempt:
    """A block on samples.

    Args:
        graph: the integer model.
        editor: its constants as they are now.
        block: the block.
        x: integers (samples, …) of what goes in.
        wanted: (samples, …) what should come out, in real numbers.
    """

    def __init__(self, graph: Graph, editor: GraphEditor, block: Block, x: Array, wanted: Array) -> None:
        back = np.arange(len(x)) % HELD_BACK == HELD_BACK - 1
        rest = np.flatnonzero(~back)
        some = rest[np.linspace(0, len(rest) - 1, min(len(rest), SAMPLES)).round().astype(np.int64)]
        self._block, self._samples = block, ((x[some], wanted[some]), (x[back], wanted[back]))
        part = self._part = GraphEditor(graph.name, graph)
        part.values = dict(editor.values)
        part.nodes = {n.name: editor.nodes[n.name] for n in block.nodes}
        part.inputs, part.outputs, part.states, part.ports = [block.source], [block.end], [], {}
        inside = part.finish()
        self._executor, self._q = Executor(inside, EditedIntegers(part)), inside.type(block.end).qp
        self._backward = Backward(inside, block.layers)
        self._layers = {
            name: _Layer(part, part.nodes[name], product, self._backward.places(name).outputs)
            for name, product in block.layers.items()
        }

    def _run(self, which: int) -> tuple[dict[str, Array], Array, float]:
        """What the block computes from samples, what its output lacks, and the error."""
        x, wanted = self._samples[which]
        values = {self._block.source: x} | dict(self._executor.walk({self._block.source: x}))
        lost = (self._q.dequantize(values[self._block.end]) - wanted).astype(np.float32)
        each = np.square(lost.reshape(len(lost), -1).astype(np.float64))
        return values, lost, float(np.cumsum(np.cumsum(each, axis=1)[:, -1])[-1])

    def change(self) -> bool:
        """Change weights and biases as long as that is better. Returns whether they changed."""
        (values, lost, least), unseen = self._run(0), self._run(1)[2]
        first = self._backward.run(self._part, values, lost)
        means = self._backward.means
        curved = self._curvatures(values, lost)
        turns = [name for name in self._layers if name in first]
        sizes, idle, best, changed = (
            dict.fromkeys(turns, 1.0),
            0,
            {n: x.weights for n, x in self._layers.items()},
            False,
        )
        for turn in range(TURNS):
            if idle >= len(turns):
                break
            name = turns[turn % len(turns)]
            layer, slope = self._layers[name], self._backward.run(self._part, values, lost)[name].weights
            old, (flat, picked, moved) = layer.weights, _moves(layer, slope, curved[name])
            count = max(1, int(len(picked) * sizes[name]))
            idle += 1
            while len(picked):
                new = old.reshape(flat).copy()
                new[picked[:count, 0], picked[:count, 1]] += moved[:count]
                layer.put(new.reshape(old.shape), means[name])
                found = self._run(0)
                if found[2] < least:
                    (values, lost, least), idle, sizes[name] = found, 0, min(1.0, 2.0 * count / len(picked))
                    break
                layer.put(old, means[name])
                sizes[name] = count / len(picked) / FEWER
                if count == 1:
                    break
                count = max(1, count // FEWER)
            if idle == 0 and (error := self._run(1)[2]) < unseen:
                unseen, best, changed = error, {n: x.weights for n, x in self._layers.items()}, True
        for name in turns:
            self._layers[name].put(best[name], means[name])
        return changed

    def _curvatures(self, values: Mapping[str, Array], lost: Array) -> dict[str, Floats]:
        """What a step of each weight alone adds to the squared error: squares of gradients in random directions."""
        signs = np.where(np.random.default_rng(0).random(lost.shape) < 0.5, np.float32(-1.0), np.float32(1.0))
        found: dict[str, Floats] = {}
        for k in range(min(PROBES, len(lost))):
            some = {name: x[k::PROBES] for name, x in values.items()}
            for name, slopes in self._backward.run(self._part, some, signs[k::PROBES]).items():
                found[name] = found.get(name, np.zeros(1)) + np.square(slopes.weights)
        return found

    @property
    def constants(self) -> dict[str, Value]:
        """The block's weights and biases, by name."""
        return {name: self._part.values[name] for layer in self._layers.values() for name in layer.names}


def _moves(layer: _Layer, slope: Floats, curved: Floats) -> tuple[Shape, npt.NDArray[np.int64], Floats]:
    """The best change of each channel, if one is for the better: the shape of weights as rows, where, and by what."""
    signs = layer.signs
    by = signs * _beside(layer.levels, signs * layer.weights, signs * slope) - layer.weights
    gain = np.where(by == 0.0, -1.0, np.abs(slope * by) - 0.5 * curved * by * by)
    rows = gain.reshape(-1, gain.shape[-1])
    taps = rows.argmax(axis=1)
    gains = rows[np.arange(len(rows)), taps]
    order = np.argsort(-gains, kind="stable")[: int((gains > 0.0).sum())]
    picked = np.stack([order, taps[order]], axis=1)
    return rows.shape, picked, by.reshape(rows.shape)[picked[:, 0], picked[:, 1]]


def _outputs(draft: Draft, integer: Graph) -> Callable[[Graph], float]:
    """How far integer graphs are from the float model at what its outputs are judged by, on the samples held back."""
    assert draft.samples is not None
    scores = [name for name in scores_of(draft.reference) if name in integer.values]

    def judged(graph: Graph) -> Graph:
        editor = graph.edit()
        editor.outputs, editor.states = list(scores), []
        return editor.finish()

    back = [draft.samples[k] for k in choose(draft.reference, len(draft.samples))][HELD_BACK - 1 :: HELD_BACK]
    distance = Distance(judged(draft.reference), back)
    return lambda graph: distance.error(judged(graph))


def reconstruct(draft: Draft) -> Draft:
    """Change weights and biases of blocks. They become constants with parameters; `convert` takes these as they are."""
    graph = draft.graph
    assert draft.samples is not None
    integer = convert(graph, draft.parameters, draft.config, draft.numerics, draft.types)
    changed, trial = graph.edit(), integer.edit()
    learnable = _learnable(draft)
    blocks = {b.nodes[0].name: b for b in blocks_of(integer, learnable) if b.source in b.nodes[0].inputs}
    samples = [draft.samples[k] for k in choose(draft.reference, len(draft.samples))]
    reals = {n: np.stack([np.asarray(s[n], graph.type(n).dtype.numpy) for s in samples]) for n in graph.inputs}
    twins = requantized_twins(draft.reference, graph)
    real_ends = {b.end: twins.get(b.end, b.end) for b in blocks.values()}
    floats = FloatValues(draft.reference, reals, Counter(real_ends.values()))
    error = _outputs(draft, integer)
    least = [error(integer)]

    def changed_block(node: Node, operands: Operands) -> Node:
        block = blocks.get(node.name)
        if block is not None:
            x = operands[node.inputs.index(block.source)]
            assert x is not None
            attempt = _Attempt(integer, trial, block, x, floats.take(real_ends[block.end]))
            before = {name: trial.values[name] for name in attempt.constants}
            if attempt.change():
                trial.values.update(attempt.constants)
                if (found := error(trial.finish())) < least[0]:
                    least[0] = found
                    _put(block, changed, trial)
                else:
                    trial.values.update(before)
        return node

    types = {n: integer.type(n) for n in graph.inputs}
    ends = {n: x if types[n].q is None else types[n].qp.quantize(x, types[n].dtype) for n, x in reals.items()}
    for _ in Executor(integer, EditedIntegers(trial)).walk(ends, changed_block):
        pass
    return replace(draft, graph=changed.finish())


def _put(block: Block, changed: GraphEditor, trial: GraphEditor) -> None:
    """Store weights and biases of the integer model in the float model, under the names that they have there."""
    for name, product in block.layers.items():
        for index in (product.weight, product.bias):
            mine, real = operand(trial.nodes[name], index), operand(changed.nodes[name], index)
            if mine is not None and real is not None:
                changed.values[real] = replace(trial.values[mine], name=real)


def _applies(draft: Draft) -> bool:
    if not (draft.config.reconstruct or any(entry.reconstruct for entry in draft.config.layers)):
        return False
    if not possible(draft, "reconstruct"):
        return False
    if not _learnable(draft):
        hint = f"it takes {SUMS} sums for each weight of a sum: give more samples, or leave it out"
        warn("reconstruct changes nothing: layers have too few sums on the samples", hint=hint, where=draft.graph.name)
        return False
    return True


STEP = Step("reconstruct", reconstruct, _applies)
