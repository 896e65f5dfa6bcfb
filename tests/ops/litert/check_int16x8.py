"""Converts layers and functions in the converter's mode 16x8, and compares edgeq with LiteRT's reference resolver.

    python tests/ops/litert/check_int16x8.py [NAME …]

It needs TensorFlow and `ai-edge-litert`. For each it says how many outputs differ, why edgeq refuses the file, or that
the converter or LiteRT cannot do it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType

sys.path[:0] = [str(Path(__file__).resolve().parents[3])]

from edgeq.errors import EdgeqError  # noqa: E402
from edgeq.importers.tflite import import_bytes  # noqa: E402
from edgeq.numerics.fixedpoint import Numerics  # noqa: E402
from edgeq.quantize import quantize  # noqa: E402
from edgeq.simulator import IntExecutor  # noqa: E402

L, K = tf.keras.layers, tf.keras
IMAGE, ROWS, VECTOR = (8, 6, 4), (7, 5), (12,)
MODE = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8

LAYERS: Mapping[str, tuple[tuple[int, ...], Callable[[], Any]]] = {
    "conv2d": (IMAGE, lambda: L.Conv2D(5, 3)),
    "conv2d_same_relu": (IMAGE, lambda: L.Conv2D(5, 3, padding="same", activation="relu")),
    "conv2d_stride": (IMAGE, lambda: L.Conv2D(6, 3, strides=2, padding="same", activation="relu6")),
    "conv2d_dilated": (IMAGE, lambda: L.Conv2D(3, 2, dilation_rate=2)),
    "conv2d_1x1_no_bias": (IMAGE, lambda: L.Conv2D(9, 1, use_bias=False)),
    "conv2d_tanh": (IMAGE, lambda: L.Conv2D(3, 3, activation="tanh")),
    "conv2d_sigmoid": (IMAGE, lambda: L.Conv2D(3, 3, activation="sigmoid")),
    "conv1d": (ROWS, lambda: L.Conv1D(4, 3)),
    "conv1d_causal": (ROWS, lambda: L.Conv1D(4, 3, padding="causal", activation="relu")),
    "depthwise": (IMAGE, lambda: L.DepthwiseConv2D(3, padding="same")),
    "depthwise_multiplier": (IMAGE, lambda: L.DepthwiseConv2D(3, depth_multiplier=2, strides=2)),
    "separable": (IMAGE, lambda: L.SeparableConv2D(6, 3, activation="relu")),
    "conv2d_transpose": (IMAGE, lambda: L.Conv2DTranspose(3, 3, strides=2)),
    "conv2d_transpose_same": (IMAGE, lambda: L.Conv2DTranspose(3, 4, strides=2, padding="same")),
    "dense": (VECTOR, lambda: L.Dense(9)),
    "dense_relu": (VECTOR, lambda: L.Dense(9, activation="relu")),
    "dense_no_bias": (VECTOR, lambda: L.Dense(3, use_bias=False)),
    "dense_rows": (ROWS, lambda: L.Dense(6)),
    "dense_softmax": (VECTOR, lambda: L.Dense(5, activation="softmax")),
    "dense_leaky": (VECTOR, lambda: K.Sequential([L.Dense(9), L.LeakyReLU()])),
    "batch_norm": (IMAGE, lambda: L.BatchNormalization()),
    "conv_batch_norm_relu": (IMAGE, lambda: K.Sequential([L.Conv2D(4, 3), L.BatchNormalization(), L.ReLU()])),
    "max_pool": (IMAGE, lambda: L.MaxPooling2D()),
    "average_pool": (IMAGE, lambda: L.AveragePooling2D(2, strides=1, padding="same")),
    "global_average": (IMAGE, lambda: L.GlobalAveragePooling2D()),
    "global_max": (IMAGE, lambda: L.GlobalMaxPooling2D()),
    "max_pool_1d": (ROWS, lambda: L.MaxPooling1D(2)),
    "average_pool_1d": (ROWS, lambda: L.AveragePooling1D(2)),
    "global_average_1d": (ROWS, lambda: L.GlobalAveragePooling1D()),
    "relu": (IMAGE, lambda: L.ReLU()),
    "relu6": (IMAGE, lambda: L.ReLU(6.0)),
    "leaky_relu": (IMAGE, lambda: L.LeakyReLU()),
    "prelu": (IMAGE, lambda: L.PReLU(alpha_initializer="random_uniform", shared_axes=[1, 2])),
    "elu": (VECTOR, lambda: L.ELU()),
    "softmax": (VECTOR, lambda: L.Softmax()),
    "softmax_rows": (ROWS, lambda: L.Softmax()),
    "flatten": (IMAGE, lambda: L.Flatten()),
    "reshape": (IMAGE, lambda: L.Reshape((12, 16))),
    "permute": (IMAGE, lambda: L.Permute((3, 1, 2))),
    "zero_padding": (IMAGE, lambda: L.ZeroPadding2D(((1, 0), (2, 1)))),
    "cropping": (IMAGE, lambda: L.Cropping2D(((1, 0), (2, 1)))),
    "upsampling": (IMAGE, lambda: L.UpSampling2D(2)),
    "upsampling_bilinear": (IMAGE, lambda: L.UpSampling2D(2, interpolation="bilinear")),
    "repeat_vector": (VECTOR, lambda: L.RepeatVector(3)),
    "layer_normalization": (ROWS, lambda: L.LayerNormalization()),
    "rescaling": (IMAGE, lambda: L.Rescaling(0.5, 0.1)),
}
FUNCTIONS: Mapping[str, tuple[tuple[int, ...], Callable[[Any], Any]]] = {
    "sigmoid": (IMAGE, tf.sigmoid),
    "tanh": (IMAGE, tf.tanh),
    "exp": (IMAGE, tf.exp),
    "log": (IMAGE, lambda x: tf.math.log(tf.abs(x) + 0.5)),
    "sqrt": (IMAGE, lambda x: tf.sqrt(tf.abs(x))),
    "rsqrt": (IMAGE, lambda x: tf.math.rsqrt(tf.abs(x) + 0.5)),
    "square": (IMAGE, tf.square),
    "abs": (IMAGE, tf.abs),
    "neg": (IMAGE, tf.negative),
    "gelu": (IMAGE, tf.nn.gelu),
    "gelu_tanh": (IMAGE, lambda x: tf.nn.gelu(x, approximate=True)),
    "swish": (IMAGE, tf.nn.silu),
    "hard_swish": (IMAGE, lambda x: x * tf.nn.relu6(x + 3.0) / 6.0),
    "softplus": (IMAGE, tf.nn.softplus),
    "log_softmax": (VECTOR, tf.nn.log_softmax),
    "add": (IMAGE, lambda x: x + tf.tanh(x)),
    "add_constant": (IMAGE, lambda x: x + 0.7),
    "add_row": (IMAGE, lambda x: x + tf.constant([0.1, -0.2, 0.3, 0.4])),
    "sub": (IMAGE, lambda x: tf.tanh(x) - x),
    "sub_from_constant": (IMAGE, lambda x: 1.0 - x),
    "mul": (IMAGE, lambda x: x * tf.sigmoid(x)),
    "mul_constant": (IMAGE, lambda x: x * 1.7),
    "div_constant": (IMAGE, lambda x: x / 3.0),
    "div": (IMAGE, lambda x: x / (tf.abs(x) + 1.0)),
    "maximum": (IMAGE, lambda x: tf.maximum(x, tf.tanh(x))),
    "minimum_constant": (IMAGE, lambda x: tf.minimum(x, 0.3)),
    "squared_difference": (IMAGE, lambda x: tf.math.squared_difference(x, tf.tanh(x))),
    "clip": (IMAGE, lambda x: tf.clip_by_value(x, -0.5, 0.8)),
    "pow": (IMAGE, lambda x: tf.pow(tf.abs(x) + 0.1, 2.0)),
    "concat": (IMAGE, lambda x: tf.concat([x, tf.tanh(x)], -1)),
    "stack": (VECTOR, lambda x: tf.stack([x, -x], 1)),
    "unstack": (ROWS, lambda x: tf.unstack(x, axis=1)[3]),
    "split": (IMAGE, lambda x: tf.split(x, 2, -1)[1]),
    "slice": (IMAGE, lambda x: x[:, 1:5, ::2, :]),
    "reverse": (IMAGE, lambda x: tf.reverse(x, [2])),
    "tile": (ROWS, lambda x: tf.tile(x, [1, 2, 1])),
    "gather": (ROWS, lambda x: tf.gather(x, [3, 0, 3], axis=1)),
    "transpose": (IMAGE, lambda x: tf.transpose(x, [0, 3, 1, 2])),
    "pad": (IMAGE, lambda x: tf.pad(x, [[0, 0], [1, 1], [0, 2], [0, 0]])),
    "pad_value": (IMAGE, lambda x: tf.pad(x, [[0, 0], [1, 1], [0, 2], [0, 0]], constant_values=0.4)),
    "mirror_pad": (IMAGE, lambda x: tf.pad(x, [[0, 0], [1, 1], [0, 2], [0, 0]], "REFLECT")),
    "space_to_depth": (IMAGE, lambda x: tf.nn.space_to_depth(x, 2)),
    "depth_to_space": (IMAGE, lambda x: tf.nn.depth_to_space(x, 2)),
    "resize_nearest": (IMAGE, lambda x: tf.image.resize(x, (13, 9), "nearest")),
    "resize_bilinear": (IMAGE, lambda x: tf.image.resize(x, (13, 9))),
    "mean": (IMAGE, lambda x: tf.reduce_mean(x, [1, 2])),
    "mean_keep": (IMAGE, lambda x: tf.reduce_mean(x, [1, 2], keepdims=True)),
    "mean_channels": (IMAGE, lambda x: tf.reduce_mean(x, -1)),
    "sum": (IMAGE, lambda x: tf.reduce_sum(x, [1, 2])),
    "reduce_max": (IMAGE, lambda x: tf.reduce_max(x, -1)),
    "reduce_min": (IMAGE, lambda x: tf.reduce_min(x, [1])),
    "matmul": (ROWS, lambda x: tf.matmul(x, x, transpose_b=True)),
    "matmul_constant": (ROWS, lambda x: tf.matmul(x, tf.constant(np.linspace(-1, 1, 15), tf.float32, (5, 3)))),
    "einsum": (ROWS, lambda x: tf.einsum("bij,bkj->bik", x, x)),
    "attention": (ROWS, lambda x: tf.matmul(tf.nn.softmax(tf.matmul(x, x, transpose_b=True)), x)),
    "where": (IMAGE, lambda x: tf.where(x > 0.1, x, tf.tanh(x))),
    "greater": (IMAGE, lambda x: tf.cast(x > tf.tanh(x), tf.float32) * x),
    "l2_normalize": (VECTOR, lambda x: tf.math.l2_normalize(x, -1)),
    "argmax": (VECTOR, lambda x: tf.argmax(x, -1)),
    "cast": (VECTOR, lambda x: tf.cast(tf.cast(x, tf.float16), tf.float32)),
    "expand_dims": (ROWS, lambda x: tf.expand_dims(x, 1) * 2.0),
    "squeeze": ((1, 6, 4), lambda x: tf.squeeze(x * 2.0, 1)),
    "space_to_batch": (IMAGE, lambda x: tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]])),
    "floor": (IMAGE, tf.floor),
    "sin": (IMAGE, tf.sin),
}


def converted(shape: tuple[int, ...], function: Callable[[Any], Any]) -> bytes:
    """The file of a function of one tensor, quantized."""
    rng = np.random.default_rng(1)

    def data() -> Any:
        for _ in range(20):
            yield [rng.normal(size=(1, *shape)).astype(np.float32)]

    made = tf.function(function, input_signature=[tf.TensorSpec((1, *shape), tf.float32)])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([made.get_concrete_function()])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = data
    converter.target_spec.supported_ops = [MODE]
    converter.inference_input_type = converter.inference_output_type = tf.int16
    content: bytes = converter.convert()
    return content


def compared(content: bytes) -> str:
    """What comes of a file."""
    try:
        reference = Interpreter(
            model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1
        )
        reference.allocate_tensors()
    except RuntimeError as error:
        return f"LiteRT: {str(error)[:60]}"
    try:
        graph = quantize(import_bytes(content, "net"), None, numerics=Numerics.TFLITE)
    except EdgeqError as error:
        return f"refused: {error.message[:110]}"
    executor, rng = IntExecutor(graph), np.random.default_rng(2)
    (entry,), (end,) = reference.get_input_details(), reference.get_output_details()
    differ, total = 0, 0
    for _ in range(6):
        if entry["dtype"] is np.float32:
            x = rng.normal(size=entry["shape"]).astype(np.float32)
        else:
            x = rng.integers(-30000, 30000, entry["shape"]).astype(entry["dtype"])
        reference.set_tensor(entry["index"], x)
        try:
            reference.invoke()
        except RuntimeError as error:
            return f"LiteRT: {str(error)[:60]}"
        y, found = reference.get_tensor(end["index"]), executor.run({graph.inputs[0]: x})[graph.outputs[0]]
        differ, total = differ + int((y != found).sum()), total + y.size
    return "exact" if not differ else f"{differ} of {total} differ"


def main(wanted: list[str]) -> None:
    """Say it of each, and how many there are of a kind."""
    functions: dict[str, tuple[tuple[int, ...], Callable[[Any], Any]]] = dict(FUNCTIONS)
    for name, (shape, make) in LAYERS.items():
        layer = K.Sequential([K.Input(shape), make()])
        functions[name] = shape, layer.call
    counts: dict[str, int] = {}
    for name, (shape, function) in functions.items():
        if wanted and name not in wanted:
            continue
        try:
            result = compared(converted(shape, function))
        except Exception as error:  # whatever the converter raises
            result = f"converter: {type(error).__name__} {str(error).splitlines()[0][:70]}"
        kind = result.split(":")[0].split(" ")[-1]
        counts[kind] = counts.get(kind, 0) + 1
        print(f"{name:24} {result}", flush=True)
    print(counts)


if __name__ == "__main__":
    main(sys.argv[1:])
