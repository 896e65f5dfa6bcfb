"""A quantized graph as a torch module whose integers are learned.

Every value is a tensor of integers, less their zero-point, beside a scale; products, sums, multipliers and rounding are
edgeq's. In float64 (`module.double()`) the integers are those of edgeq's simulator; in float32, in which it learns
faster, sums beyond 2²⁴ are rounded.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edgeq.api.data import Dataset
from edgeq.api.flow import QuantizedModel, quantize
from edgeq.errors import UsageError
from edgeq.ir.graph import Graph, Node
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, TensorType
from edgeq.ir.traits import NO_CLAMP
from edgeq.numerics.fixedpoint import Numerics, quantize_multiplier
from edgeq.ops._requant import output_range
from edgeq.passes.pipeline import optimize_integer
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.operands import rule_of, with_operand
from edgeq.torch.float_network import BIAS, Batches, operands_of
from edgeq.torch.functions import FUNCTIONS, LAYERS, Tensor, check_known, real
from edgeq.torch.layer import LayerWeights, Start
from edgeq.torch.rounding import halves_up, straight_through
from edgeq.torch.scales import Scales

CONVERTED = ("convert", "correct_biases", "open_ports")
"""The steps of quantization after which a graph has the names of the float graph's values, and integers."""
ACTIVATIONS = frozenset({DType.INT8, DType.UINT8, DType.INT16})


def prepare(
    model: Graph | str | Path,
    calibration: Dataset | str | Path | Array | Mapping[str, Array],
    config: QuantConfig | None = None,
    rank: int = 0,
    seed: int = 0,
) -> FakeQuantized:
    """Quantize a model after training, and return a module that learns from there on.

    Args:
        model: what `edgeq.load` returned, or the path of a model; float, or quantized elsewhere.
        calibration: what `edgeq.quantize` takes.
        config: bits of weights and activations, of all layers and of single ones, and all else of `edgeq.quantize`.
        rank: of low-rank adapters that are learned in place of the weights, and added to them before these are
            quantized; 0: the weights themselves are learned.
        seed: of the adapters' first numbers.

    Raises:
        ModelError: operators that cannot be trained; all are named.
        UsageError: weights in groups, or by codebooks.
        QuantizationError, UsageError: as `edgeq.quantize`.
    """
    seen: dict[str, Graph] = {}
    result = quantize(model, calibration, config, Numerics.FAST, observe=lambda name, graph: seen.update({name: graph}))
    graph = next(seen[name] for name in reversed(CONVERTED) if name in seen)
    return FakeQuantized(result, graph, rank, seed)


@dataclass(frozen=True)
class Held:
    """A value during a run: its integers less their zero-point, and their scale."""

    steps: Tensor
    scale: Tensor

    @property
    def real(self) -> Tensor:
        """The real numbers."""
        return self.steps * self.scale


class FakeQuantized(torch.nn.Module):  # type: ignore[misc]
    """A quantized model that learns its weights, their scales, biases, and the scales of activations.

    Attributes:
        model: what it began as; `model.float_graph` is the float model.
        graph: the quantized graph whose structure it has.
        layers: weights and biases by the names of layers, with "/" for ".".
        scales: those of activations.

    Raises:
        ModelError, UsageError: as `prepare`.
    """

    def __init__(self, model: QuantizedModel, graph: Graph, rank: int = 0, seed: int = 0) -> None:
        super().__init__()
        check_known(model.float_graph)
        check_known(graph)
        self.model, self.graph = model, graph
        self._batches = Batches(graph)
        _check_types(graph)
        generator = torch.Generator().manual_seed(seed)
        self.scales = Scales(graph)
        self._names = {node.name: str(k) for k, node in enumerate(graph.nodes) if node.op.kind in LAYERS}
        layers = {
            self._names[node.name]: LayerWeights(_start(model.float_graph, graph, node), rank, generator)
            for node in graph.nodes
            if node.name in self._names
        }
        self.layers = torch.nn.ModuleDict(layers)
        self._sites: dict[str, tuple[tuple[float, ...], Site]] = {}

    def layer(self, node: str) -> LayerWeights:
        """The weights and the bias of a layer, by its name in the graph."""
        return self.layers[self._names[node]]

    def held(self, inputs: Mapping[str, Tensor]) -> dict[str, Held]:
        """Every computed value by name, samples along dimension 0.

        Args:
            inputs: of each graph input, real values (samples, *shape of the graph's input).
        """
        scales, count = self.scales(), self._batches.count(inputs)
        held = {name: self._input(name, x, scales) for name, x in self._batches.folded(inputs)}
        for node in self.graph.nodes:
            if node.name in self._names:
                held[node.outputs[0]] = self._layer(node, held, scales)
            else:
                held.update(self._other(node, held, scales, count))
        return held

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The outputs by name, in real numbers; `inputs` as for `held`."""
        held = self.held(inputs)
        return {name: held[name].real for name in self.graph.outputs}

    def integers(self, inputs: Mapping[str, Tensor]) -> dict[str, Array]:
        """Every computed value by name, as the integers of the graph, samples along dimension 0; `inputs` as above."""
        with torch.no_grad():
            held = self.held(inputs)
        return {name: _integers(self.graph.type(name), value.steps) for name, value in held.items()}

    def export(self) -> QuantizedModel:
        """The model with the integers that were learned, for `edgeq.build(…, model=…)` and all else.

        The graph is the same with other numbers; weights, biases and scales are those with which the module computes in
        float64.
        """
        graph = optimize_integer(self.trained_graph())
        return replace(self.model, graph=graph)

    def trained_graph(self) -> Graph:
        """The quantized graph with what was learned, before it is optimized: values have the names of `graph`."""
        shared = {id(kept): kept for kept in (self.model, self.graph, self._batches)}
        exact = copy.deepcopy(self, {**shared, id(self._sites): {}}).double()
        editor = self.graph.edit()
        with torch.no_grad():
            scales = exact.scales()
            for name in exact.scales._place:
                type, s = self.graph.type(name), float(scales[exact.scales.at(name)])
                editor.set_type(name, type.quantized(type.dtype, QParams.per_tensor(s, type.qp.zp)))
            for node in self.graph.nodes:
                if node.name in self._names:
                    editor.replace_node(node.name, exact._stored(editor, node, scales))
        for name, q in self.graph.outside.items():
            if name in editor.values:
                editor.outside[name] = replace(q, scale=(editor.values[name].type.qp.s,))
        return editor.finish()

    def _stored(self, editor: Any, node: Node, scales: Tensor) -> Node:
        """The node with its weights and its bias as constants."""
        layer, unit, s_w = self._scaled(node, scales)
        weight, axis = self.graph.values[str(node.inputs[1])], layer.q.axis
        q = QParams.per_tensor(float(s_w[0]), 0) if axis is None else QParams.per_channel(s_w.numpy(), 0, axis)
        data = layer.integers(s_w).numpy().astype(layer.dtype.numpy)
        name = editor.constant(weight.name, data, q, replace(weight.type, q=q))
        bias = layer.addend(unit).numpy().astype(np.int32)
        units = QParams.per_tensor(float(unit[0]), 0) if axis is None else QParams.per_channel(unit.numpy(), 0, 0)
        return with_operand(with_operand(node, 1, name), BIAS, editor.constant(f"{node.name}_bias", bias, units))

    def _scaled(self, node: Node, scales: Tensor) -> tuple[LayerWeights, Tensor, Tensor]:
        """A layer, the unit of its sums, and the scales of its weights."""
        layer = self.layer(node.name)
        s_in, s_out = scales[self.scales.at(str(node.inputs[0]))], scales[self.scales.at(node.outputs[0])]
        s_w = layer.scale(s_in, s_out)
        return layer, s_in * s_w, s_w

    def _input(self, name: str, x: Tensor, scales: Tensor) -> Held:
        """An input as integers: in float32, halves to even, as edgeq's programs take them."""
        type, scale = self.graph.type(name), scales[self.scales.at(name)]
        low, high = type.dtype.range
        steps = torch.round(x.float() / scale.detach().float()).clamp(low - type.qp.zp, high - type.qp.zp)
        return Held(steps.to(scale.dtype), scale)

    def _layer(self, node: Node, held: Mapping[str, Held], scales: Tensor) -> Held:
        """Sums of products, times the multiplier in the bits that it has, rounded once."""
        x, y, op = held[str(node.inputs[0])], node.outputs[0], node.op
        layer, unit, s_w = self._scaled(node, scales)
        s_out = scales[self.scales.at(y)]
        sums = FUNCTIONS[op.kind](op, (x.steps, layer.integers(s_w), layer.addend(unit)))
        factor = unit / s_out
        whole = quantize_multiplier(
            unit.detach().double().numpy() / float(s_out.detach()), self.graph.site(node).rounding
        )
        stored = torch.from_numpy(np.ldexp(whole.mantissa.astype(np.float64), whole.shift - 31))
        steps = self._bounded(y, sums * straight_through(factor, stored), s_out, op.fused_clamp)
        return Held(halves_up(steps), s_out)

    def _bounded(self, name: str, steps: Tensor, scale: Tensor, clamp: tuple[float, float] | None) -> Tensor:
        """Steps within the type's range and a fused activation, whose bounds move with the scale."""
        low, high, zero = self._range(name, scale, clamp)
        least, most = torch.tensor(low - zero), torch.tensor(high - zero)
        if clamp is not None and np.isfinite(clamp[0]) and low > self.graph.type(name).dtype.range[0]:
            least = straight_through(clamp[0] / scale, least)
        if clamp is not None and np.isfinite(clamp[1]) and high < self.graph.type(name).dtype.range[1]:
            most = straight_through(clamp[1] / scale, most)
        return torch.minimum(torch.maximum(steps, least.to(steps.dtype)), most.to(steps.dtype))

    def _range(self, name: str, scale: Tensor, clamp: tuple[float, float] | None) -> tuple[int, int, int]:
        """Least and greatest integer of a value, and its zero-point."""
        type = self.graph.type(name)
        q = QParams.per_tensor(float(scale.detach()), type.qp.zp)
        return (*output_range(q, clamp or NO_CLAMP, type.dtype), type.qp.zp)

    def _other(self, node: Node, held: Mapping[str, Held], scales: Tensor, count: int) -> dict[str, Held]:
        """Any other operator: the integers that edgeq computes, with the gradient of the real function."""
        op = self._batches.op(node, count)
        operands = [held[n] if n in held else self._constant(n, scales) for n in map(str, node.inputs)]
        site = self._site(node, scales)
        arrays = [
            _integers(type, x.steps) if n in held else site.consts[k]
            for k, (n, type, x) in enumerate(zip(map(str, node.inputs), site.inputs, operands, strict=True))
            if type is not None
        ]
        exact = op.run(site, arrays)
        found = {}
        for name, y, integers in zip(node.outputs, real(op, [x.real for x in operands]), exact, strict=True):
            scale = scales[self.scales.at(name)]
            low, high, zero = self._range(name, scale, None)
            smooth = (y / scale).clamp(low - zero, high - zero)
            steps = torch.from_numpy(np.asarray(integers, np.float64) - zero)
            found[name] = Held(straight_through(smooth, steps.reshape(smooth.shape)), scale)
        return found

    def _constant(self, name: str, scales: Tensor) -> Held:
        value = self.graph.values[name]
        steps = np.asarray(value.data, np.float64) - value.type.qp.zp
        return Held(torch.from_numpy(steps).to(scales.dtype), torch.tensor(value.type.qp.s, dtype=scales.dtype))

    def _site(self, node: Node, scales: Tensor) -> Site:
        """The node with the scales as they are now; kept for as long as they stay, with the tables made of them."""
        names = [n for n in (*node.inputs, *node.outputs) if n is not None and self.graph.data(n) is None]
        now = tuple(float(scales[self.scales.at(n)].detach()) for n in names)
        if node.name not in self._sites or self._sites[node.name][0] != now:
            site, known = self.graph.site(node), dict(zip(names, now, strict=True))

            def typed(name: str | None, type: TensorType | None) -> TensorType | None:
                if name not in known or type is None:
                    return type
                return type.quantized(type.dtype, QParams.per_tensor(known[str(name)], type.qp.zp))

            inputs = tuple(typed(n, t) for n, t in zip(node.inputs, site.inputs, strict=True))
            outputs = tuple(t for n, t0 in zip(node.outputs, site.outputs, strict=True) if (t := typed(n, t0)))
            self._sites[node.name] = now, replace(site, inputs=inputs, outputs=outputs)
        return self._sites[node.name][1]


def _integers(type: TensorType, steps: Tensor) -> Array:
    """Elements of a value of that type."""
    return np.asarray(steps.detach().numpy() + type.qp.zp).astype(type.dtype.numpy)


def _check_types(graph: Graph) -> None:
    """Refuse element types and weights that are not learned.

    Raises:
        UsageError: there are some.
    """
    computed = [*graph.inputs, *(out for node in graph.nodes for out in node.outputs)]
    wrong = [f"{n} ({graph.type(n).dtype.value})" for n in computed if graph.type(n).dtype not in ACTIVATIONS]
    for node in graph.nodes:
        if node.op.kind in LAYERS:
            type = graph.type(str(node.inputs[1]))
            if type.qp.groups is not None or type.qp.block is not None or type.dtype.is_code or any(type.qp.zero_point):
                wrong.append(f"{node.name} (weights in groups, by codebook or with a zero-point)")
    if wrong:
        raise UsageError(
            f"only int8 and int16 are trained, not {', '.join(wrong)}",
            hint="leave codebooks, weight_group and layers in float32 out",
            where=graph.name,
        )


def _start(float_graph: Graph, graph: Graph, node: Node) -> Start:
    """From where a layer learns: its integers, and the real weights behind them."""
    before = next(n for n in float_graph.nodes if n.name == node.name)
    (product,) = rule_of(graph, node).products
    weight, latent = graph.values[str(node.inputs[1])], float_graph.values[str(before.inputs[1])]
    s_in, out, axis = graph.type(str(node.inputs[0])).qp.s, graph.type(node.outputs[0]), product.axis or 0
    data = graph.data(operands_of(node)[BIAS])
    bias = np.zeros(weight.type.shape[axis]) if data is None else data * (s_in * np.asarray(weight.type.qp.scale))
    weights = latent.data if latent.type.q is None else latent.type.q.dequantize(np.asarray(latent.data))
    return Start(np.asarray(weight.data), weight.type.dtype, weight.type.qp, np.asarray(weights), bias, axis, out.qp.s)
