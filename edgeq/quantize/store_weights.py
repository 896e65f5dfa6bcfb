"""Weights of layers in float32 as they are stored: float16, or integers with scales."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from edgeq.errors import QuantizationError, UsageError
from edgeq.ir.graph import Graph, Node, Value
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array, DType, QParams, TensorType
from edgeq.quantize.config import LayerConfig, QuantConfig
from edgeq.quantize.operands import WEIGHT_TYPES, rule_of
from edgeq.quantize.ranges import NARROWEST, channel_rows, levels_of, sane_scales, weighted_scales
from edgeq.quantize.weights import check_finite
from edgeq.warnings import listed, warn

GREATEST = 65504.0
"""The greatest float16 number."""


def wants_stored(config: QuantConfig) -> bool:
    """Whether anything is said of the weights of layers in float32."""
    every: tuple[QuantConfig | LayerConfig, ...] = (config, *config.layers)
    return any(c.float_weight_bits not in (None, 32) or c.dynamic for c in every)


def store_weights(graph: Graph, config: QuantConfig) -> Graph:
    """A final graph with fewer bits in the weights of layers that compute with real numbers and have a kernel for it.

    Weights that several layers read stay as they are.

    Raises:
        UsageError: groups, or quantization at run time, without integers; or there is no layer to which what is asked
            for, of all layers or of some, applies.
        QuantizationError: a weight is no finite number, or beyond those of float16.
    """
    editor, outcomes = graph.edit(), []
    for node in graph.nodes:
        local, site = config.for_layer(node.name), graph.site(node)
        weights = list(_weights(graph, node))
        outcome = Outcome(node, site.is_float, bool(weights) and node.op.macs(site) > 0)
        if outcome.real and outcome.multiplies:
            _check(local, node)
        outcomes.append(outcome)
        if local.float_weight_bits == 32 or not outcome.real:
            continue
        dtype = DType.FLOAT16 if local.float_weight_bits == 16 else WEIGHT_TYPES[local.float_weight_bits]
        stays = False
        for name, axis in weights:
            data = graph.data(name)
            takes = any(dtype in row.weights and DType.FLOAT32 in row.elements for row in node.op.kernels)
            outcome.shared |= len(graph.consumers[name]) > 1
            if data is None or not takes or len(graph.consumers[name]) > 1 or graph.type(name).dtype != DType.FLOAT32:
                stays = True
                continue
            check_finite(data, name, f"{node.name} ({node.op.kind})")
            editor.values[name] = _stored(name, data, dtype, local.weight_group, axis, node)
            outcome.stored = True
            outcome.grouped |= (editor.values[name].type.q or QParams((1.0,), (0,))).block is not None
        integers = outcome.stored and not stays if weights else site.op.macs(site) > 0
        if local.dynamic and integers and hasattr(node.op, "dynamic"):
            outcome.dynamic = True
            op: Op = replace(node.op, dynamic=True)  # type: ignore[call-arg]
            editor.replace_node(node.name, replace(node, op=op))
    _refuse_unused(outcomes, config)
    _tell_left_out(outcomes, config)
    return editor.finish()


def _weights(graph: Graph, node: Node) -> Iterator[tuple[str, int]]:
    """The constants of a node that may be stored in fewer bits, and the dimensions along which they have scales."""
    rule = rule_of(graph, node)
    for index, name in enumerate(node.inputs):
        axis = rule.scales_along(index)
        if name is not None and graph.data(name) is not None and axis is not None:
            yield name, axis


@dataclass
class Outcome:
    """What became of a node: whether it is in float32, multiplies with weights, shares these, and got what could be
    asked for."""

    node: Node
    real: bool
    multiplies: bool
    shared: bool = False
    stored: bool = False
    grouped: bool = False
    dynamic: bool = False

    @property
    def reason(self) -> str:
        """Why it did not."""
        name = f"{self.node.name} ({self.node.op.kind})"
        if not self.real:
            return f"{name} does not compute with real numbers"
        if self.shared:
            return f"the weights of {name} are those of other layers, too"
        return f"{name} cannot" if self.stored else f"{name} has no weights that can be stored so"


class Asked(NamedTuple):
    """An option that layers in float32 may take.

    Attributes:
        flag: as users write it.
        wanted: whether it is asked for.
        got: whether a layer has it.
        does: what it does to the layer.
        hint: what to do if none has it.
        instead: what a layer does that cannot take it while others do.
    """

    flag: str
    wanted: Callable[[QuantConfig | LayerConfig], bool]
    got: Callable[[Outcome], bool]
    does: str
    hint: str
    instead: str


ASKED = (
    Asked(
        "--float-weight-bits",
        lambda c: c.float_weight_bits not in (None, 32),
        lambda found: found.stored or found.dynamic,  # without weights only integers are wanted
        "store weights in fewer bits",
        "layers with weights can if --float names them, and tables of embeddings, too, if --numerics float keeps all "
        "in float32",
        "their weights stay float32",
    ),
    Asked(
        "--weight-group",
        lambda c: bool(c.weight_group),
        lambda found: found.grouped or not found.real,  # what integers do with groups is checked elsewhere
        "take scales for groups of weights",
        "fully connected and recurrent layers can, convolutions if the group divides their input channels",
        "all weights of an output channel have one scale there",
    ),
    Asked(
        "--dynamic",
        lambda c: bool(c.dynamic),
        lambda found: found.dynamic,
        "quantize activations at run time",
        "fully connected and recurrent layers and matrix products in float32 can, with --float-weight-bits 8 or fewer",
        "they multiply real numbers",
    ),
)


def _refuse_unused(outcomes: list[Outcome], config: QuantConfig) -> None:
    for option in ASKED:
        if option.wanted(config) and not any(map(option.got, outcomes)):
            raise UsageError(f"no layer in float32 can {option.does}", hint=option.hint, where=option.flag)
        for entry in config.layers:
            named = [found for found in outcomes if config.layer(found.node.name) is entry]
            if option.wanted(entry) and named and not any(map(option.got, named)):
                raise UsageError(
                    f"no layer of that name can {option.does}: {named[0].reason}",
                    hint=option.hint,
                    where=entry.pattern,
                )


def _tell_left_out(outcomes: list[Outcome], config: QuantConfig) -> None:
    """Warn of layers that do not get what others of the same settings do."""
    products = [found for found in outcomes if found.real and found.multiplies]
    for option in ASKED:
        asked = [found for found in products if option.wanted(config.for_layer(found.node.name))]
        left = [f"{found.node.name} ({found.node.op.kind})" for found in asked if not option.got(found)]
        if left:
            warn(
                f"{len(left)} of {len(asked)} layers in float32 cannot {option.does}: {listed(left)}; {option.instead}",
                hint=option.hint,
                where=option.flag,
            )


def _check(config: QuantConfig, node: Node) -> None:
    whole = config.float_weight_bits not in (16, 32)
    if not whole and (config.dynamic or (config.weight_group and config.float_weight_bits == 16)):
        raise UsageError(
            "groups of weights with a scale, and activations quantized at run time, need integer weights",
            hint="add --float-weight-bits 8, or fewer; or set weight_group = 0 and dynamic = false for this layer in "
            "edgeq.toml",
            where=f"{node.name} ({node.op.kind})",
        )


def _stored(name: str, data: Array, dtype: DType, group: int, axis: int, node: Node) -> Value:
    """Real weights in another type, with scales along `axis`, and for groups along the last dimension."""
    if dtype is DType.FLOAT16:
        most = float(np.abs(data).max(initial=0.0))
        if most > GREATEST:
            raise QuantizationError(
                f"weights up to {most:.6g} are beyond the numbers of float16, which end at {GREATEST:.0f}",
                hint="store the weights of this layer in 8 or 32 bits",
                where=f"{node.name} ({node.op.kind})",
            )
        halves = data.astype(np.float16)
        halves.flags.writeable = False
        return Value(name, TensorType(halves.shape, dtype), halves)
    depth = data.shape[-1]
    grouped = group and axis == 0 and data.ndim > 1 and (data.ndim == 2 or depth % group == 0)
    rows = channel_rows(data, axis)
    if grouped:
        padded = np.pad(np.asarray(data, np.float64).reshape(-1, depth), ((0, 0), (0, -depth % group)))
        rows = padded.reshape(-1, group)
    found = weighted_scales(rows, levels_of(dtype), np.ones((1, rows.shape[1])), NARROWEST.get(dtype.bits, 0.5))
    scales = sane_scales(found)
    if grouped:
        q = QParams.per_block(scales.reshape(*data.shape[:-1], -1), 0, data.ndim - 1, group)
    else:
        q = QParams.per_channel(scales, 0, axis)
    integers = np.maximum(q.quantize(data, dtype), np.int8(levels_of(dtype)[0]))
    integers.flags.writeable = False
    return Value(name, TensorType(data.shape, dtype, q), integers)
