"""Channels that are stored with a negative scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto, numpy_helper

from edgeq.codegen import lower
from edgeq.errors import InternalError, QuantizationError
from edgeq.exporters.qdq import to_qdq
from edgeq.importers.onnx import load
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.ir.verify import verify
from edgeq.kernels.choice import Wanted
from edgeq.numerics.fixedpoint import Numerics, Rounding, quantize_multiplier, requantize
from edgeq.quantize import QuantConfig, quantize
from edgeq.quantize.weights import Around, quantize_signed, quantize_weights
from edgeq.report.accuracy import quantize_inputs
from edgeq.simulator import run_int
from edgeq.target import load_target
from tests.unit.test_quantize import network, samples

LAYERS = ("conv", "depthwise", "dense")
DATA = samples(network(), 30)


def few_bits(bits: int = 3, numerics: Numerics = Numerics.FAST, **options: object) -> Graph:
    return quantize(network(), DATA, QuantConfig.from_dict({"weight_bits": bits, **options}), numerics)


def negated(graph: Graph) -> dict[str, np.ndarray]:
    names = {layer: str(graph.producers[layer].inputs[1]) for layer in LAYERS}
    return {layer: graph.type(name).negated(np.asarray(graph.data(name))) for layer, name in names.items()}


def test_products_with_negative_factors_are_the_same() -> None:
    """Halves and what saturates among them."""
    rng = np.random.default_rng(1)
    sums = np.concatenate([rng.integers(-(2**31) + 1, 2**31, 300), rng.integers(-5000, 5000, 300), [1, -1, 3, -3]])
    for factor in (0.5, 0.25, 0.0123, 0.9999999999, 1.75, 300.0, 2.0**40):
        m, opposite = (quantize_multiplier(f, Rounding.FAST) for f in (factor, -factor))
        assert opposite.mantissa == -m.mantissa and opposite.shift == m.shift
        with_bias = np.clip(sums // 2, -(2**30), 2**30)
        for acc, bias in ((sums, None), (with_bias, np.array([12345]))):
            one = requantize(acc[:, None], m, 3, -128, 127, Rounding.FAST, bias)
            two = requantize(-acc[:, None], opposite, 3, -128, 127, Rounding.FAST, None if bias is None else -bias)
            assert np.array_equal(one, two), factor
    for rounding in set(Rounding) - {Rounding.FAST}:
        with pytest.raises(QuantizationError, match=r"a factor of -0\.5 is impossible"):
            quantize_multiplier(-0.5, rounding)


@pytest.mark.parametrize("bits", [3, 2])
def test_sites_as_they_are_stored_compute_the_same(bits: int) -> None:
    graph = few_bits(bits)
    assert all(0 < signs.sum() < len(signs) for signs in negated(graph).values())
    rng = np.random.default_rng(2)
    for layer in LAYERS:
        site = graph.site(graph.producers[layer])
        x, stored = rng.integers(-128, 128, site.input(0).shape).astype(np.int8), site.stored
        assert stored.const(1).min() >= site.input(1).dtype.range[0] and stored.const(1).max() == 2 ** (bits - 1) - 1
        assert np.array_equal(np.asarray(stored.input(1).qp.scale) < 0.0, negated(graph)[layer])
        assert not stored.has_negative_scales and stored.stored is stored
        first, second = (s.op.run(s, [x, *s.consts[1:]])[0] for s in (site, stored))
        assert np.array_equal(first, second)


def test_they_are_chosen_for_the_arithmetic_that_has_them() -> None:
    for options in ({"numerics": Numerics.TFLITE}, {"activation_bits": 16}, {"weights": "per-tensor"}, {"bits": 4}):
        assert not any(signs.any() for signs in negated(few_bits(**options)).values()), options  # type: ignore[arg-type]
    for rounding in ("descent", "adaround"):
        assert any(signs.any() for signs in negated(few_bits(rounding=rounding)).values())
    assert any(signs.any() for signs in negated(few_bits(reconstruct=True)).values())  # which the verifier has seen


@pytest.mark.parametrize("bits", [3, 2])
def test_weights_rounded_one_by_one_have_them_where_these_are_nearer(bits: int) -> None:
    rng = np.random.default_rng(5)
    weights = rng.normal(size=(20, 7)).astype(np.float32)
    around, config, dtype = Around(0.1, 0.5), QuantConfig(), {3: DType.INT3, 2: DType.INT2}[bits]
    signed = quantize_signed(weights, 0, None, around, config, "layer", dtype)
    assert signed is not None
    integers, q = signed
    negative = TensorType(weights.shape, dtype, q).negated(integers)
    assert 0 < negative.sum() < 20 and min(q.scale) > 0.0
    plain = quantize_weights(weights, 0, None, around, config, "layer", dtype)
    lost = [
        np.square(p.dequantize(i) - weights).sum(axis=1)
        for p, i in ((q, integers), (plain, plain.quantize(weights, dtype)))
    ]
    assert (lost[0] <= lost[1] + 1e-9).all() and lost[0].sum() < 0.95 * lost[1].sum()
    for other in (replace(around, foreign=True), replace(around, wide=True)):
        assert quantize_signed(weights, 0, None, other, config, "layer", dtype) is None
    assert any(signs.any() for signs in negated(few_bits(bits, rounding="nearest")).values())


def test_integers_beyond_the_range_are_those_of_a_channel_that_has_no_least_one() -> None:
    graph = few_bits()
    name = str(graph.producers["dense"].inputs[1])
    data, type = np.array(graph.data(name)), graph.type(name)
    channel = int(np.argmax(type.negated(data)))
    for wrong in (-4, 5):
        editor, changed = graph.edit(), data.copy()
        changed[channel, 0] = wrong
        changed.flags.writeable = False
        editor.values[name] = replace(graph.values[name], data=changed)
        with pytest.raises(InternalError, match="beyond the range"):
            verify(editor.finish())
    tensor = TensorType(data.shape, type.dtype, QParams.per_tensor(0.1, 0))
    assert not tensor.negated(data).any() and tensor.signs(data).tolist() == [[1]]


def test_rows_without_negative_scales_are_passed_over() -> None:
    graph = few_bits()
    site, wanted = graph.site(graph.producers["dense"]), Wanted(goal="size")
    taken = wanted.choose(site)
    assert taken is not None and taken.negative_scales
    without = replace(taken, negative_scales=False)
    assert not without.takes(site)
    assert wanted._obstacle(without, site) == ("no channel of the weights has a negative scale", True)
    foreign = replace(site, numerics=Numerics.TFLITE)
    assert not any(row.takes(foreign) for row in site.op.kernels)
    x = np.zeros(site.input(0).shape, np.int8)
    assert site.op.run(foreign, [x, *site.consts[1:]])[0].shape == site.outputs[0].shape  # integers mean what they mean


def test_where_no_kernel_has_them_weights_take_more_bits() -> None:
    graph = few_bits().edit()
    graph.numerics = Numerics.TFLITE
    calls = {call.name: call for call in lower(graph.finish(), load_target("cortex-m4"), optimize="size").calls}
    assert [calls[layer].weight_bits for layer in LAYERS] == [4, 4, 4]


@pytest.mark.parametrize("bits", [3, 2])
def test_export_and_back(bits: int, tmp_path: object) -> None:
    """INT4 holds the integers; the file is read back as the same."""
    graph = few_bits(bits)
    model = to_qdq(graph)
    scales = [numpy_helper.to_array(t) for t in model.graph.initializer if t.data_type == TensorProto.FLOAT]
    assert all((scale > 0.0).all() for scale in scales)
    path = tmp_path / "model.onnx"  # type: ignore[operator]
    path.write_bytes(model.SerializeToString())
    again = quantize(load(path), None)
    assert sum(v.type.dtype is DType.INT4 for v in again.values.values()) == len(LAYERS)
    for sample in DATA[:5]:
        first, second = (run_int(g, quantize_inputs(g, sample))[g.outputs[0]] for g in (graph, again))
        assert np.abs(first.astype(int) - second).max() <= 1
