"""The float references against onnxruntime, for every operator that ONNX has a node for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from cases import generator
from onnx import TensorProto, helper
from onnx_reference import reference

from edgeq.ir.op import Op, Sample, registry
from edgeq.ir.quant_rule import Index
from edgeq.ir.tensor import Array
from edgeq.ops._reduce import Reduction

Arrays = list[Array]
Change = Callable[[Array], Array]
OPSET = 20
INDICES = ("ArgMax", "ArgMin")
SIGNAL = (
    *("Energy", "FftAutoScale", "FilterBank", "FilterBankLog", "FilterBankSquareRoot"),
    *("Irfft", "OverlapAdd", "Pcan", "Rfft", "SignalCount", "SignalFrame", "SignalStack", "SignalWindow"),
    "SpectralSubtraction",
)
NO_NODE = {
    **dict.fromkeys(SIGNAL, "whole numbers; tests/unit/test_signal.py compares them with TensorFlow Lite Micro's"),
    "Compare": "ONNX has an operator for each relation; tests/unit/test_onnx_truth.py compares them",
    "Dequantize": "the identity over the reals",
    "DetectionPostProcess": "ONNX has no such operator; tests/unit/test_tflite_detection.py compares it with LiteRT",
    "Function": "an expression of several operators",
    "Gru": "ONNX orders its operands otherwise; compared in tests/unit/test_recurrent.py",
    "Label": "an ArgMax with names; tests/unit/test_onnx_trees.py compares it",
    "Lstm": "ONNX has no projection; the others are compared in tests/unit/test_lstm.py",
    "MaskedSoftmax": "ONNX adds the mask before its softmax",
    "NonMaxSuppression": "ONNX's result has no fixed shape; tests/unit/test_onnx_detection.py compares it",
    "PosenetDecoder": "ONNX has no such operator; tests/unit/test_tflite_pose.py compares it with Coral's",
    "Quantize": "the identity over the reals",
    "SimpleRnn": "ONNX orders its operands otherwise; compared in tests/unit/test_recurrent.py",
    "RealToWhole": "a cast within bounds; tests/unit/test_onnx_whole.py compares it",
    "RoiAlign": "ONNX has its images in NCHW; tests/unit/test_onnx_detection.py compares it",
    "Relabel": "a Gather from a table of whole numbers; tests/unit/test_onnx_classical.py compares it",
    "Requantize": "the identity over the reals",
    "Rsqrt": "ONNX has the reciprocal and the square root apart",
    "SampleAt": "ONNX has places from −1 to 1; tests/unit/test_onnx_sampling.py compares it",
    "SampleSpectrum": "ONNX's transform takes real numbers; tests/unit/test_mel_frontend.py compares it",
    "SampleStatistics": "ONNX has no such operator; tests/unit/test_motion_frontend.py compares it",
    "Select": "ONNX's condition holds truth values; tests/unit/test_onnx_truth.py compares it",
    "Shift": "ONNX subtracts a constant",
    "Spectrum": "a part of STFT; tests/unit/test_onnx_spectrum.py compares it",
    "Square": "ONNX multiplies by itself",
    "SquaredDifference": "ONNX multiplies a difference by itself",
    "Svdf": "ONNX has no such layer; tests/unit/test_tflite_recurrent.py compares it",
    "Store": "the identity over the reals",
    "StoredL2Norm": "ONNX divides by a length",
    **dict.fromkeys(("TopIndices", "TopValues"), "outputs of TopK; tests/unit/test_onnx_detection.py compares them"),
    "TreeEnsemble": "ONNX's trees give real numbers; tests/unit/test_onnx_trees.py compares them",
    "WholePair": "ONNX's result has the type of its operands; tests/unit/test_onnx_whole.py compares it",
    "WholeProduct": "tests/unit/test_onnx_dynamic.py compares its integers with onnxruntime's",
    "WholeToReal": "a cast and a product; tests/unit/test_onnx_trees.py compares it",
}


@dataclass(frozen=True, eq=False)
class Foreign:
    """An ONNX node: its operands, and how its outputs are brought to edgeq's layout."""

    kind: str
    inputs: Sequence[Array | None]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    restore: Change = lambda y: y
    outputs: int = 1

    def run(self) -> Arrays:
        """What onnxruntime computes."""
        given = {f"i{k}": x for k, x in enumerate(self.inputs) if x is not None}
        names = [f"i{k}" if x is not None else "" for k, x in enumerate(self.inputs)]
        made = [f"o{k}" for k in range(self.outputs)]
        node = helper.make_node(self.kind, names, made, **self.attributes)
        types = {n: helper.np_dtype_to_tensor_dtype(x.dtype) for n, x in given.items()}
        values = [helper.make_tensor_value_info(n, types[n], x.shape) for n, x in given.items()]
        kind = TensorProto.INT64 if self.kind in INDICES else TensorProto.FLOAT
        results = [helper.make_tensor_value_info(n, kind, None) for n in made]
        graph = helper.make_graph([node], "one", values, results)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
        return [self.restore(np.asarray(y)) for y in reference(model, given)]


def nchw(x: Array) -> Array:
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def nhwc(x: Array) -> Array:
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1))


def clamped(op: Any, then: Change = lambda y: y) -> Change:
    """Apply the fused activation, which ONNX has not."""
    return lambda y: np.clip(then(y), np.float32(op.clamp[0]), np.float32(op.clamp[1]))


def ints(*values: int) -> Array:
    return np.array(values, np.int64)


def conv(op: Any, x: Arrays) -> Foreign:
    attributes = {"strides": op.stride, "dilations": op.dilation, "pads": op.padding, "group": op.groups}
    return Foreign("Conv", [nchw(x[0]), x[1].transpose(0, 3, 1, 2), *x[2:]], attributes, clamped(op, nhwc))


def depthwise(op: Any, x: Arrays) -> Foreign:
    weights = x[1].transpose(2, 0, 1)[:, None]
    attributes = {"strides": op.stride, "dilations": op.dilation, "pads": op.padding, "group": x[0].shape[3]}
    return Foreign("Conv", [nchw(x[0]), weights, *x[2:]], attributes, clamped(op, nhwc))


def conv_transpose(op: Any, x: Arrays) -> Foreign:
    oc, kh, kw, c = x[1].shape
    by_group = x[1].reshape(op.groups, oc // op.groups, kh, kw, c)
    weights = by_group.transpose(0, 4, 1, 2, 3).reshape(op.groups * c, oc // op.groups, kh, kw)
    attributes = {"strides": op.stride, "dilations": op.dilation, "pads": op.padding, "group": op.groups}
    attributes["output_padding"] = op.output_padding
    return Foreign("ConvTranspose", [nchw(x[0]), weights, *x[2:]], attributes, clamped(op, nhwc))


def fully_connected(op: Any, x: Arrays) -> Foreign:
    shape = (*x[0].shape[:-1], x[1].shape[0])
    rows = x[0].reshape(-1, x[0].shape[-1])
    return Foreign("Gemm", [rows, *x[1:]], {"transB": 1}, clamped(op, lambda y: y.reshape(shape)))


def max_pool(op: Any, x: Arrays) -> Foreign:
    attributes = {"kernel_shape": op.kernel, "strides": op.stride, "dilations": op.dilation, "pads": op.padding}
    return Foreign("MaxPool", [nchw(x[0])], attributes, clamped(op, nhwc))


def average_pool(op: Any, x: Arrays) -> Foreign:
    attributes = {"kernel_shape": op.kernel, "strides": op.stride, "pads": op.padding}
    attributes["count_include_pad"] = int(op.count_include_pad)
    return Foreign("AveragePool", [nchw(x[0])], attributes, clamped(op, nhwc))


def binary(kind: str) -> Callable[[Any, Arrays], Foreign]:
    return lambda op, x: Foreign(kind, x, {}, clamped(op) if hasattr(op, "clamp") else lambda y: y)


def unary(kind: str, *attributes: str) -> Callable[[Any, Arrays], Foreign]:
    return lambda op, x: Foreign(kind, x, {name: getattr(op, name) for name in attributes})


def reduction(kind: str) -> Callable[[Any, Arrays], Foreign]:
    return lambda op, x: Foreign(kind, [x[0], ints(*op.axes)], {"keepdims": int(op.keepdims)})


def clip(op: Any, x: Arrays) -> Foreign:
    low, high = (np.float32(np.clip(v, -3e38, 3e38)) for v in (op.low, op.high))
    return Foreign("Clip", [x[0], np.asarray(low), np.asarray(high)])


def gelu(op: Any, x: Arrays) -> Foreign:
    return Foreign("Gelu", x, {"approximate": "tanh" if op.approximate else "none"})


def power(op: Any, x: Arrays) -> Foreign:
    return Foreign("Pow", [x[0], np.asarray(op.exponent, np.float32)])


def index_of(kind: str) -> Callable[[Any, Arrays], Foreign]:
    """Indices of extremes; ONNX's are int64."""

    def node(op: Any, x: Arrays) -> Foreign:
        attributes = {"axis": op.axis, "keepdims": int(op.keepdims), "select_last_index": int(op.last)}
        return Foreign(kind, x, attributes)

    return node


def split(op: Any, x: Arrays) -> Foreign:
    return Foreign("Split", [x[0], ints(*op.sizes)], {"axis": op.axis}, outputs=len(op.sizes))


def slice_(op: Any, x: Arrays) -> Foreign:
    ends = [e if e >= 0 else -(2**31) for e in op.end]
    return Foreign("Slice", [x[0], ints(*op.begin), ints(*ends), ints(*range(x[0].ndim)), ints(*op.step)])


def pad(op: Any, x: Arrays) -> Foreign:
    amounts = ints(*op.before, *op.after)
    return Foreign("Pad", [x[0], amounts, np.asarray(op.value, np.float32)], {"mode": op.mode})


def resize(op: Any, x: Arrays) -> Foreign:
    attributes = {
        "mode": {"nearest": "nearest", "bilinear": "linear"}[op.mode],
        "coordinate_transformation_mode": op.coordinates,
        "nearest_mode": op.nearest_rounding,
    }
    sizes = ints(x[0].shape[0], x[0].shape[3], *op.size)
    return Foreign("Resize", [nchw(x[0]), None, None, sizes], attributes, nhwc)


def affine(op: Any, x: Arrays, then: Change = lambda y: y) -> Change:
    """Scale, bias and the fused activation after a normalization, where they are not operands of the node."""
    scale, bias = (*x[1:], None, None)[:2]
    if len(x) == 2 and op.kind in ("LayerNorm", "RMSNorm", "L2Norm") and op.axis == 0:
        scale, bias = None, x[1]  # the only samples with a bias alone
    scaled = lambda y: then(y) * (1 if scale is None else scale) + (0 if bias is None else bias)  # noqa: E731
    return clamped(op, lambda y: scaled(y).astype(np.float32))


def layer_norm(op: Any, x: Arrays) -> Foreign:
    ones = np.ones(x[0].shape[op.axis :], np.float32)
    return Foreign("LayerNormalization", [x[0], ones], {"axis": op.axis, "epsilon": op.epsilon}, affine(op, x))


def rms_norm(op: Any, x: Arrays) -> Foreign:
    ones = np.ones(x[0].shape[op.axis :], np.float32)
    return Foreign(
        "SimplifiedLayerNormalization", [x[0], ones], {"axis": op.axis, "epsilon": op.epsilon}, affine(op, x)
    )


def l2_norm(op: Any, x: Arrays) -> Foreign:
    divided = affine(op, x, lambda y: x[0] / np.maximum(y, np.float32(op.epsilon)))
    return Foreign("ReduceL2", [x[0], ints(*range(op.axis, x[0].ndim))], {"keepdims": 1}, divided)


def normalized_channels(op: Any, x: Arrays) -> Foreign:
    """Groups are channels to ONNX."""
    n, channels = x[0].shape[0], x[0].shape[-1]
    groups = op.groups_of(channels)
    first = x[0].reshape(n, -1, groups, channels // groups).transpose(0, 2, 1, 3)
    given = [first.reshape(n, groups, -1), np.ones(groups, np.float32), np.zeros(groups, np.float32)]
    restored = affine(op, x, lambda y: y.reshape(first.shape).transpose(0, 2, 1, 3).reshape(x[0].shape))
    return Foreign("InstanceNormalization", given, {"epsilon": op.epsilon}, restored)


NODES: Mapping[str, Callable[[Any, Arrays], Foreign]] = {
    "Abs": unary("Abs"),
    **{kind: unary(kind) for kind in ("Atan", "Ceil", "Cos", "Floor", "Round", "Sign", "Sin")},
    "ThresholdedRelu": unary("ThresholdedRelu", "alpha"),
    "Add": binary("Add"),
    **{kind: index_of(kind) for kind in INDICES},
    "AveragePool2D": average_pool,
    "Clip": clip,
    "Concat": unary("Concat", "axis"),
    "Conv2D": conv,
    "ConvTranspose2D": conv_transpose,
    "DepthwiseConv2D": depthwise,
    "Div": binary("Div"),
    "Elu": unary("Elu", "alpha"),
    "Erf": unary("Erf"),
    "Exp": unary("Exp"),
    "FullyConnected": fully_connected,
    "Gelu": gelu,
    "GroupNorm": normalized_channels,
    "HardSigmoid": unary("HardSigmoid", "alpha", "beta"),
    "HardSwish": unary("HardSwish"),
    "InstanceNorm": normalized_channels,
    "L2Norm": l2_norm,
    "LayerNorm": layer_norm,
    "LeakyRelu": unary("LeakyRelu", "alpha"),
    "Log": unary("Log"),
    "LogSoftmax": unary("LogSoftmax", "axis"),
    "MatMul": binary("MatMul"),
    "MaxPool2D": max_pool,
    "Maximum": binary("Max"),
    "Minimum": binary("Min"),
    "Mul": binary("Mul"),
    "Neg": unary("Neg"),
    "PRelu": binary("PRelu"),
    "Pad": pad,
    "Pow": power,
    "RMSNorm": rms_norm,
    "Reshape": lambda op, x: Foreign("Reshape", [x[0], ints(*op.shape)]),
    "Resize": resize,
    "Sigmoid": unary("Sigmoid"),
    "Gather": lambda op, x: Foreign("Gather", [x[0], x[1].astype(np.int64)], {"axis": op.axis}),
    "Slice": slice_,
    "Softmax": lambda op, x: Foreign("Softmax", [x[0] * np.float32(op.beta)], {"axis": op.axis}),
    "Split": split,
    "Sqrt": unary("Sqrt"),
    "Sub": binary("Sub"),
    "Sum": reduction("ReduceSum"),
    "Tanh": unary("Tanh"),
    "Transpose": unary("Transpose", "perm"),
    **{kind: reduction(op.onnx) for kind, op in registry().items() if issubclass(op, Reduction) and op.onnx},
}


def reals(kind: str, sample: Sample) -> list[Array | None]:
    """Random real operands of a sample."""
    rng = generator(f"float/{kind}/{sample.name}")
    rule, found = sample.op.quant_rule(list(sample.shapes)), list[Array | None]()
    for index, shape in enumerate(sample.shapes):
        role = rule.role(index)
        if shape is not None and isinstance(role, Index):
            found.append(rng.integers(0, role.limit, shape).astype(np.int32))
        else:
            found.append(None if shape is None else rng.uniform(sample.low, sample.high, shape).astype(np.float32))
    return found


SAMPLES = [(kind, sample) for kind in NODES for sample in registry()[kind].samples()]


@pytest.mark.parametrize(("kind", "sample"), SAMPLES, ids=lambda v: v if isinstance(v, str) else v.name)
def test_equals_onnxruntime(kind: str, sample: Sample) -> None:
    operands = reals(kind, sample)
    with np.errstate(all="ignore"):
        found = sample.op.run_float(operands)
    expected = NODES[kind](sample.op, [x for x in operands if x is not None]).run()
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        finite = theirs[np.isfinite(theirs)]
        scale = float(np.abs(finite).max(initial=1e-3))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * scale)


def test_every_operator_has_a_node() -> None:
    assert set(registry()) == set(NODES) | set(NO_NODE)


@pytest.mark.parametrize("kind", sorted(registry()))
def test_shapes_are_inferred(kind: str) -> None:
    for sample in registry()[kind].samples():
        with np.errstate(all="ignore"):
            made = sample.op.run_float(reals(kind, sample))
        assert sample.op.out_shapes(list(sample.shapes)) == tuple(y.shape for y in made), sample.name


@pytest.mark.parametrize("kind", sorted(registry()))
def test_no_operands_are_refused_readably(kind: str) -> None:
    """Every operator says what it lacks; no other exception escapes."""
    op: Op = registry()[kind].samples()[0].op
    with pytest.raises(ValueError, match=r"[a-z]{3}"):
        op.out_shapes([None, None])
    assert inspect.getdoc(type(op)), "the operator is not documented"
