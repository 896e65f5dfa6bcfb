"""Keras layers and TensorFlow functions, each as a model of its own: the table that `check_operators.py` converts.

It needs TensorFlow and tf-keras. A case is inputs, all with a batch of one, and what makes a function of them; layers
draw their weights from a generator that begins anew for each case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

Shape = tuple[int, ...]
L, A = tf.keras.layers, tf.keras.activations
OLD = tf_keras.layers
"""Keras 2, whose recurrent layers the converter fuses."""
LINE, ROWS, IMAGE, VOLUME = (12,), (7, 5), (8, 6, 4), (4, 6, 4, 3)


@dataclass(frozen=True)
class Case:
    """A model.

    Attributes:
        shapes: of the inputs, without the batch.
        make: gives a function of the inputs.
        whole: how many values inputs of whole numbers have; 0: inputs are real.
    """

    shapes: tuple[Shape, ...]
    make: Callable[[], Callable[..., Any]]
    whole: int = 0


CASES: dict[str, Case] = {}


def layers(*shapes: Shape, whole: int = 0, **made: Callable[[], Any]) -> None:
    """Cases of layers of Keras; one of several inputs gets them as a list."""
    for name, make in made.items():
        assert name not in CASES, name

        def function(make: Callable[[], Any] = make) -> Callable[..., Any]:
            layer = make()
            return (lambda *x: layer(list(x))) if len(shapes) > 1 else (lambda x: layer(x))

        CASES[name] = Case(shapes, function, whole)


def functions(*shapes: Shape, whole: int = 0, **made: Callable[..., Any]) -> None:
    """Cases of functions of TensorFlow."""
    for name, function in made.items():
        assert name not in CASES, name
        CASES[name] = Case(shapes, lambda function=function: function, whole)


def chain(*parts: Any) -> Callable[[Any], Any]:
    """Layers one after the other."""

    def run(x: Any) -> Any:
        for part in parts:
            x = part(x)
        return x

    return run


def constant(*shape: int, low: float = -1.0, high: float = 1.0) -> Any:
    """Numbers that go up and down within bounds."""
    size = int(np.prod(shape))
    steps = (np.arange(size) * 7 % size) / max(size - 1, 1)
    return tf.constant((low + (high - low) * steps).reshape(shape), tf.float32)


def trained(layer: Any, *shape: int) -> Any:
    """A normalization with other moments and factors than those it begins with."""
    layer.build((1, *shape))
    values = []
    for k, weight in enumerate(layer.weights):
        low, high = (0.5, 1.7) if "variance" in weight.name or "gamma" in weight.name else (-0.6, 0.4)
        values.append(constant(*weight.shape, low=low, high=high).numpy() + np.float32(0.01 * k))
    layer.set_weights(values)
    return layer


# Convolutions
layers(
    IMAGE,
    conv2d=lambda: L.Conv2D(5, 3),
    conv2d_same_relu=lambda: L.Conv2D(5, 3, padding="same", activation="relu"),
    conv2d_stride_relu6=lambda: L.Conv2D(6, 3, strides=2, padding="same", activation="relu6"),
    conv2d_stride_3_1=lambda: L.Conv2D(4, 3, strides=(3, 1)),
    conv2d_dilated=lambda: L.Conv2D(3, 2, dilation_rate=2),
    conv2d_dilated_same=lambda: L.Conv2D(3, 3, dilation_rate=(2, 1), padding="same"),
    conv2d_1x1_no_bias=lambda: L.Conv2D(9, 1, use_bias=False),
    conv2d_5x5=lambda: L.Conv2D(3, 5, padding="same"),
    conv2d_1x5=lambda: L.Conv2D(3, (1, 5)),
    conv2d_groups=lambda: L.Conv2D(6, 3, groups=2),
    conv2d_tanh=lambda: L.Conv2D(3, 3, activation="tanh"),
    conv2d_sigmoid=lambda: L.Conv2D(3, 3, activation="sigmoid"),
    conv2d_elu=lambda: L.Conv2D(3, 3, activation="elu"),
    conv2d_swish=lambda: L.Conv2D(3, 3, activation="swish"),
    depthwise=lambda: L.DepthwiseConv2D(3, padding="same"),
    depthwise_multiplier=lambda: L.DepthwiseConv2D(3, depth_multiplier=2, strides=2),
    depthwise_dilated=lambda: L.DepthwiseConv2D(2, dilation_rate=2, activation="relu"),
    separable=lambda: L.SeparableConv2D(6, 3, activation="relu"),
    conv2d_transpose=lambda: L.Conv2DTranspose(3, 3, strides=2),
    conv2d_transpose_same=lambda: L.Conv2DTranspose(3, 4, strides=2, padding="same"),
    conv2d_transpose_relu=lambda: L.Conv2DTranspose(3, 3, activation="relu"),
    conv_batch_norm_relu=lambda: chain(L.Conv2D(4, 3), trained(L.BatchNormalization(), 6, 4, 4), L.ReLU()),
    depthwise_batch_norm_relu6=lambda: chain(
        L.DepthwiseConv2D(3), trained(L.BatchNormalization(), 6, 4, 4), L.ReLU(6.0)
    ),
    residual=lambda: (lambda conv: lambda x: tf.nn.relu(conv(x) + x))(L.Conv2D(4, 3, padding="same")),
    conv2d_first_layer=lambda: chain(L.Rescaling(0.5), L.Conv2D(8, 3, strides=2, padding="same"), L.ReLU()),
)
layers(
    ROWS,
    conv1d=lambda: L.Conv1D(4, 3),
    conv1d_causal=lambda: L.Conv1D(4, 3, padding="causal", activation="relu"),
    conv1d_stride=lambda: L.Conv1D(4, 3, strides=2, padding="same"),
    conv1d_dilated=lambda: L.Conv1D(4, 2, dilation_rate=2),
    conv1d_transpose=lambda: L.Conv1DTranspose(3, 3, strides=2),
    separable_conv1d=lambda: L.SeparableConv1D(4, 3),
    depthwise_conv1d=lambda: L.DepthwiseConv1D(3),
)
layers(
    VOLUME,
    conv3d=lambda: L.Conv3D(3, 2),
    conv3d_same=lambda: L.Conv3D(3, 3, padding="same", activation="relu"),
    conv3d_transpose=lambda: L.Conv3DTranspose(2, 2, strides=2),
    max_pool_3d=lambda: L.MaxPooling3D(2),
    average_pool_3d=lambda: L.AveragePooling3D(2),
    global_average_3d=lambda: L.GlobalAveragePooling3D(),
    global_max_3d=lambda: L.GlobalMaxPooling3D(),
    zero_padding_3d=lambda: L.ZeroPadding3D(1),
    cropping_3d=lambda: L.Cropping3D(1),
    upsampling_3d=lambda: L.UpSampling3D(2),
)
# Products
layers(
    LINE,
    dense=lambda: L.Dense(9),
    dense_relu=lambda: L.Dense(9, activation="relu"),
    dense_relu6=lambda: L.Dense(9, activation="relu6"),
    dense_no_bias=lambda: L.Dense(3, use_bias=False),
    dense_softmax=lambda: L.Dense(5, activation="softmax"),
    dense_sigmoid=lambda: L.Dense(1, activation="sigmoid"),
    dense_tanh=lambda: L.Dense(5, activation="tanh"),
    dense_selu=lambda: L.Dense(5, activation="selu"),
    dense_leaky=lambda: chain(L.Dense(9), L.LeakyReLU()),
    two_dense=lambda: chain(L.Dense(16, activation="relu"), L.Dense(4)),
)
layers(
    ROWS,
    dense_rows=lambda: L.Dense(6),
    einsum_dense=lambda: L.EinsumDense("bij,jk->bik", (None, 6), bias_axes="k"),
    einsum_dense_heads=lambda: L.EinsumDense("bij,jhk->bihk", (None, 2, 3), bias_axes="hk"),
    time_distributed=lambda: L.TimeDistributed(L.Dense(3)),
)
layers((9,), whole=20, embedding=lambda: L.Embedding(20, 6))
layers((9,), whole=20, embedding_mean=lambda: chain(L.Embedding(20, 6), L.GlobalAveragePooling1D(), L.Dense(3)))
# Normalizations
layers(
    IMAGE,
    batch_norm=lambda: trained(L.BatchNormalization(), *IMAGE),
    group_norm=lambda: trained(L.GroupNormalization(2), *IMAGE),
    layer_norm_image=lambda: trained(L.LayerNormalization(), *IMAGE),
    rescaling=lambda: L.Rescaling(0.5, 0.1),
    normalization=lambda: L.Normalization(mean=[0.1, 0.2, 0.0, -0.1], variance=[1.0, 0.5, 2.0, 1.5]),
    unit_normalization=lambda: L.UnitNormalization(),
)
layers(
    ROWS,
    layer_normalization=lambda: trained(L.LayerNormalization(), *ROWS),
    rms_normalization=lambda: trained(L.RMSNormalization(), *ROWS),
    batch_norm_rows=lambda: trained(L.BatchNormalization(), *ROWS),
)
# Pools and shapes
layers(
    IMAGE,
    max_pool=lambda: L.MaxPooling2D(),
    max_pool_same=lambda: L.MaxPooling2D(3, strides=2, padding="same"),
    average_pool=lambda: L.AveragePooling2D(2),
    average_pool_same=lambda: L.AveragePooling2D(2, strides=1, padding="same"),
    average_pool_3x2=lambda: L.AveragePooling2D((3, 2), strides=2),
    global_average=lambda: L.GlobalAveragePooling2D(),
    global_average_keep=lambda: L.GlobalAveragePooling2D(keepdims=True),
    global_max=lambda: L.GlobalMaxPooling2D(),
    flatten=lambda: L.Flatten(),
    reshape=lambda: L.Reshape((12, 16)),
    permute=lambda: L.Permute((3, 1, 2)),
    zero_padding=lambda: L.ZeroPadding2D(((1, 0), (2, 1))),
    cropping=lambda: L.Cropping2D(((1, 0), (2, 1))),
    center_crop=lambda: L.CenterCrop(5, 4),
    upsampling=lambda: L.UpSampling2D(2),
    upsampling_bilinear=lambda: L.UpSampling2D(2, interpolation="bilinear"),
    resizing=lambda: L.Resizing(5, 9),
    spatial_dropout=lambda: chain(L.SpatialDropout2D(0.5), L.Conv2D(2, 1)),
    relu_layer=lambda: L.ReLU(),
    relu6_layer=lambda: L.ReLU(6.0),
    relu_slope=lambda: L.ReLU(negative_slope=0.2),
    relu_threshold=lambda: L.ReLU(threshold=0.3),
    leaky_relu=lambda: L.LeakyReLU(),
    prelu=lambda: L.PReLU(alpha_initializer="random_uniform", shared_axes=[1, 2]),
    prelu_each=lambda: L.PReLU(alpha_initializer="random_uniform"),
)
layers(
    ROWS,
    max_pool_1d=lambda: L.MaxPooling1D(2),
    average_pool_1d=lambda: L.AveragePooling1D(2),
    global_average_1d=lambda: L.GlobalAveragePooling1D(),
    global_max_1d=lambda: L.GlobalMaxPooling1D(),
    zero_padding_1d=lambda: L.ZeroPadding1D(2),
    cropping_1d=lambda: L.Cropping1D(1),
    upsampling_1d=lambda: L.UpSampling1D(3),
    softmax_rows=lambda: L.Softmax(),
    softmax_axis_1=lambda: L.Softmax(axis=1),
)
layers(
    LINE,
    repeat_vector=lambda: L.RepeatVector(3),
    softmax_layer=lambda: L.Softmax(),
    elu_layer=lambda: L.ELU(),
    elu_alpha=lambda: L.ELU(0.7),
    dropout=lambda: chain(L.Dropout(0.5), L.Dense(4)),
    gaussian_noise=lambda: chain(L.GaussianNoise(0.5), L.Dense(4)),
    activity_regularization=lambda: chain(L.ActivityRegularization(0.1), L.Dense(4)),
)
# Layers of several inputs
layers(
    IMAGE,
    IMAGE,
    add_layer=lambda: L.Add(),
    subtract_layer=lambda: L.Subtract(),
    multiply_layer=lambda: L.Multiply(),
    average_layer=lambda: L.Average(),
    maximum_layer=lambda: L.Maximum(),
    minimum_layer=lambda: L.Minimum(),
    concatenate_layer=lambda: L.Concatenate(),
    concatenate_rows=lambda: L.Concatenate(axis=1),
)
layers(
    ROWS,
    ROWS,
    dot_layer=lambda: L.Dot(axes=2),
    dot_normalized=lambda: L.Dot(axes=2, normalize=True),
    attention_layer=lambda: L.Attention(),
    additive_attention=lambda: L.AdditiveAttention(),
)
CASES["multi_head_attention"] = Case(
    (ROWS,), lambda: (lambda layer: lambda x: layer(x, x))(L.MultiHeadAttention(2, 4, attention_axes=1))
)
CASES["grouped_query_attention"] = Case(
    (ROWS,), lambda: (lambda layer: lambda x: layer(x, x))(L.GroupQueryAttention(4, 4, 2))
)
# Recurrent layers: of Keras 2 the converter fuses LSTM
layers(
    ROWS,
    lstm=lambda: OLD.LSTM(6),
    lstm_sequences=lambda: OLD.LSTM(6, return_sequences=True),
    lstm_backwards=lambda: OLD.LSTM(6, go_backwards=True),
    lstm_unrolled=lambda: L.LSTM(4, unroll=True),
    gru_unrolled=lambda: L.GRU(4, unroll=True),
    gru_before_unrolled=lambda: L.GRU(4, unroll=True, reset_after=False),
    simple_rnn_unrolled=lambda: L.SimpleRNN(4, unroll=True),
    bidirectional_lstm=lambda: OLD.Bidirectional(OLD.LSTM(4, return_sequences=True)),
    bidirectional_gru_unrolled=lambda: L.Bidirectional(L.GRU(3, unroll=True)),
    two_lstm=lambda: chain(OLD.LSTM(5, return_sequences=True), OLD.LSTM(4), OLD.Dense(3)),
    lstm_loop=lambda: L.LSTM(4),
    gru_loop=lambda: L.GRU(4),
    simple_rnn_loop=lambda: L.SimpleRNN(4),
)
layers((3, 6, 5, 2), conv_lstm=lambda: L.ConvLSTM2D(2, 3))
# Activations
functions(
    IMAGE,
    **{
        f"activation_{name}": getattr(A, name)
        for name in (
            "relu",
            "relu6",
            "elu",
            "selu",
            "gelu",
            "silu",
            "softplus",
            "softsign",
            "sigmoid",
            "hard_sigmoid",
            "hard_silu",
            "tanh",
            "exponential",
            "mish",
            "celu",
            "log_sigmoid",
            "hard_tanh",
            "hard_shrink",
            "soft_shrink",
            "tanh_shrink",
            "squareplus",
            "sparse_plus",
            "softmax",
            "log_softmax",
            "glu",
            "sparse_sigmoid",
            "leaky_relu",
        )
    },
    activation_threshold=lambda x: A.threshold(x, 0.3, -0.1),
    activation_gelu_tanh=lambda x: tf.nn.gelu(x, approximate=True),
    crelu=lambda x: tf.nn.crelu(x),
    hard_swish=lambda x: x * tf.nn.relu6(x + 3.0) / 6.0,
)
# Functions of one element
functions(
    IMAGE,
    exp=tf.exp,
    expm1=tf.math.expm1,
    log=lambda x: tf.math.log(tf.abs(x) + 0.5),
    log1p=lambda x: tf.math.log1p(tf.abs(x)),
    sqrt=lambda x: tf.sqrt(tf.abs(x)),
    rsqrt=lambda x: tf.math.rsqrt(tf.abs(x) + 0.5),
    reciprocal=lambda x: tf.math.reciprocal(tf.abs(x) + 0.5),
    square=tf.square,
    abs=tf.abs,
    neg=tf.negative,
    sign=tf.sign,
    floor=tf.floor,
    ceil=tf.math.ceil,
    round=tf.round,
    sin=tf.sin,
    cos=tf.cos,
    sinh=tf.sinh,
    cosh=tf.cosh,
    atan=tf.atan,
    atan2=lambda x: tf.atan2(x, tf.abs(x) + 0.5),
    erf=tf.math.erf,
    pow=lambda x: tf.pow(tf.abs(x) + 0.1, 2.0),
    pow_half=lambda x: tf.pow(tf.abs(x) + 0.1, 0.5),
    pow_tensor=lambda x: tf.pow(tf.abs(x) + 0.5, tf.tanh(x)),
    clip=lambda x: tf.clip_by_value(x, -0.5, 0.8),
    cast_int=lambda x: tf.cast(tf.cast(x, tf.int32), tf.float32),
    cast_half=lambda x: tf.cast(tf.cast(x, tf.float16), tf.float32),
    identity=tf.identity,
    stop_gradient=lambda x: tf.stop_gradient(x) * 2.0,
    zeros_like=lambda x: tf.zeros_like(x) + tf.tanh(x),
    ones_like=lambda x: tf.ones_like(x) - x,
)
# Functions of two elements
functions(
    IMAGE,
    add=lambda x: x + tf.tanh(x),
    add_relu=lambda x: tf.nn.relu(x + tf.tanh(x)),
    add_constant=lambda x: x + 0.7,
    add_row=lambda x: x + tf.constant([0.1, -0.2, 0.3, 0.4]),
    add_n=lambda x: tf.add_n([x, tf.tanh(x), tf.sigmoid(x)]),
    sub=lambda x: tf.tanh(x) - x,
    sub_from_constant=lambda x: 1.0 - x,
    mul=lambda x: x * tf.sigmoid(x),
    mul_constant=lambda x: x * 1.7,
    mul_channels=lambda x: x * tf.reduce_mean(x, [1, 2], keepdims=True),
    div=lambda x: x / (tf.abs(x) + 1.0),
    div_constant=lambda x: x / 3.0,
    div_no_nan=lambda x: tf.math.divide_no_nan(x, tf.abs(x) + 1.0),
    floor_div=lambda x: tf.math.floordiv(x, tf.constant(0.7)),
    floor_mod=lambda x: tf.math.floormod(x, tf.constant(0.7)),
    maximum=lambda x: tf.maximum(x, tf.tanh(x)),
    maximum_constant=lambda x: tf.maximum(x, 0.1),
    minimum=lambda x: tf.minimum(x, tf.tanh(x)),
    minimum_constant=lambda x: tf.minimum(x, 0.3),
    squared_difference=lambda x: tf.math.squared_difference(x, tf.tanh(x)),
    bias_add=lambda x: tf.nn.bias_add(x, tf.constant([0.1, -0.2, 0.3, 0.4])),
    xlogy=lambda x: tf.math.multiply_no_nan(x, tf.abs(x) + 1.0),
)
# Comparisons, logic and choices
functions(
    IMAGE,
    greater=lambda x: tf.cast(x > tf.abs(x) * 0.5, tf.float32) * x,
    greater_equal=lambda x: tf.cast(x >= 0.2, tf.float32) * x,
    less=lambda x: tf.cast(x < tf.abs(x) * 0.5, tf.float32) * x,
    less_equal=lambda x: tf.cast(x <= 0.2, tf.float32) * x,
    equal=lambda x: tf.cast(tf.equal(tf.nn.relu(x), x), tf.float32) * x,
    not_equal=lambda x: tf.cast(tf.not_equal(tf.nn.relu(x), x), tf.float32) * x,
    logical_and=lambda x: tf.where((x > -0.5) & (x < 0.5), x, tf.tanh(x)),
    logical_or=lambda x: tf.where((x < -0.5) | (x > 0.5), x, tf.tanh(x)),
    logical_not=lambda x: tf.where(tf.logical_not(x > 0.5), x, tf.tanh(x)),
    greater_bool=lambda x: x > 0.2,
    where=lambda x: tf.where(x > 0.1, x, tf.tanh(x)),
    where_constant=lambda x: tf.where(x > 0.1, x, 0.0),
    where_mask=lambda x: tf.where(tf.constant([True, False, True, True]), x, -1.0),
    reduce_any=lambda x: tf.cast(tf.reduce_any(x > 1.0, -1), tf.float32),
    reduce_all=lambda x: tf.cast(tf.reduce_all(x > -1.0, -1), tf.float32),
    is_nan=lambda x: tf.where(tf.math.is_nan(x), 0.0, x),
)
# Moves
functions(
    IMAGE,
    concat=lambda x: tf.concat([x, tf.tanh(x)], -1),
    concat_three=lambda x: tf.concat([x, x * 0.5, tf.sigmoid(x)], 1),
    split=lambda x: tf.split(x, 2, -1)[1],
    split_sizes=lambda x: tf.split(x, [1, 3], -1),
    slice=lambda x: tf.slice(x, [0, 2, 1, 0], [1, 4, 3, -1]),
    strided_slice=lambda x: x[:, 1:5, ::2, :],
    strided_slice_negative=lambda x: x[:, ::-1, -4:-1, :],
    strided_slice_shrink=lambda x: x[:, 2, :, tf.newaxis, 1:],
    strided_slice_ellipsis=lambda x: x[..., ::2],
    reverse=lambda x: tf.reverse(x, [2]),
    transpose=lambda x: tf.transpose(x, [0, 3, 1, 2]),
    transpose_last=lambda x: tf.transpose(x, [0, 1, 3, 2]),
    pad=lambda x: tf.pad(x, [[0, 0], [1, 1], [0, 2], [0, 0]]),
    pad_value=lambda x: tf.pad(x, [[0, 0], [1, 1], [0, 2], [0, 0]], constant_values=0.4),
    mirror_pad=lambda x: tf.pad(x, [[0, 0], [1, 1], [0, 2], [0, 0]], "REFLECT"),
    mirror_pad_symmetric=lambda x: tf.pad(x, [[0, 0], [1, 1], [0, 2], [0, 0]], "SYMMETRIC"),
    space_to_depth=lambda x: tf.nn.space_to_depth(x, 2),
    depth_to_space=lambda x: tf.nn.depth_to_space(x, 2),
    space_to_batch=lambda x: tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]]),
    batch_to_space=lambda x: tf.batch_to_space(
        tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]]) * 2.0, [2, 2], [[1, 0], [0, 1]]
    ),
    resize_nearest=lambda x: tf.image.resize(x, (13, 9), "nearest"),
    resize_bilinear=lambda x: tf.image.resize(x, (13, 9)),
    resize_bilinear_down=lambda x: tf.image.resize(x, (4, 3)),
    resize_aligned=lambda x: tf.compat.v1.image.resize_bilinear(x, (15, 11), align_corners=True),
    resize_old=lambda x: tf.compat.v1.image.resize_bilinear(x, (16, 9)),
    resize_nearest_old=lambda x: tf.compat.v1.image.resize_nearest_neighbor(x, (16, 9)),
    broadcast_to=lambda x: tf.broadcast_to(tf.reduce_mean(x, [1, 2], keepdims=True), (1, 8, 6, 4)),
    roll=lambda x: tf.roll(x, 2, 1),
    gather_channels=lambda x: tf.gather(x, [3, 0, 0, 1, 2], axis=-1),
    central_crop=lambda x: tf.image.crop_to_bounding_box(x, 1, 2, 5, 3),
    rot90=lambda x: tf.image.rot90(x),
    flip=lambda x: tf.image.flip_left_right(x),
)
functions(
    ROWS,
    stack=lambda x: tf.stack([x, -x], 1),
    unstack=lambda x: tf.unstack(x, axis=1)[3],
    tile=lambda x: tf.tile(x, [1, 2, 3]),
    repeat=lambda x: tf.repeat(x, 2, axis=1),
    gather=lambda x: tf.gather(x, [3, 0, 3], axis=1),
    gather_nd=lambda x: tf.gather_nd(x, [[[0, 3], [0, 0], [0, 6]]]),
    gather_batch=lambda x: tf.gather(x, [[1, 4, 0]], axis=1, batch_dims=1),
    expand_dims=lambda x: tf.expand_dims(x, 1) * 2.0,
    meshgrid=lambda x: x[:, :, tf.newaxis, :] - x[:, tf.newaxis, :, :],
    scatter_nd=lambda x: tf.scatter_nd([[3], [0]], x[0, :2], (5, 5)),
    tensor_scatter=lambda x: tf.tensor_scatter_nd_update(x, [[0, 3], [0, 0]], x[0, 1:3]),
    cumsum=lambda x: tf.cumsum(x, axis=1),
    cumsum_reverse=lambda x: tf.cumsum(x, axis=1, reverse=True, exclusive=True),
    cumprod=lambda x: tf.math.cumprod(x, axis=2),
    band_part=lambda x: tf.linalg.band_part(x, -1, 0),
    reverse_sequence=lambda x: tf.reverse_sequence(x, [4], seq_axis=1),
    one_hot=lambda x: tf.one_hot(tf.argmax(x, -1), 5),
    sequence_mask=lambda x: x * tf.sequence_mask([[3]], 7, tf.float32)[:, 0, :, tf.newaxis],
    frame=lambda x: tf.signal.frame(x, 4, 2, axis=1),
    diag=lambda x: tf.linalg.diag(x),
    set_diag=lambda x: tf.linalg.set_diag(x, x[:, 0]),
    dynamic_update=lambda x: tf.concat([x[:, :2], x[:, :1] * 0.5, x[:, 3:]], 1),
)
functions((1, 6, 4), squeeze=lambda x: tf.squeeze(x * 2.0, 1))
functions((5, 4, 6), reshape_transpose=lambda x: tf.transpose(tf.reshape(x, (1, 5, 4, 2, 3)), [0, 3, 1, 4, 2]))
# Reductions
functions(
    IMAGE,
    mean=lambda x: tf.reduce_mean(x, [1, 2]),
    mean_keep=lambda x: tf.reduce_mean(x, [1, 2], keepdims=True),
    mean_channels=lambda x: tf.reduce_mean(x, -1),
    mean_rows=lambda x: tf.reduce_mean(x, 1),
    mean_all=lambda x: tf.reduce_mean(x, [1, 2, 3]),
    sum=lambda x: tf.reduce_sum(x, [1, 2]),
    sum_channels=lambda x: tf.reduce_sum(x, -1, keepdims=True),
    reduce_max=lambda x: tf.reduce_max(x, -1),
    reduce_min=lambda x: tf.reduce_min(x, [1]),
    reduce_prod=lambda x: tf.reduce_prod(x, -1),
    reduce_std=lambda x: tf.math.reduce_std(x, [1, 2]),
    reduce_variance=lambda x: tf.math.reduce_variance(x, -1),
    moments=lambda x: tf.nn.moments(x, [1, 2])[1],
    log_sum_exp=lambda x: tf.reduce_logsumexp(x, -1),
    norm=lambda x: tf.norm(x, axis=-1),
    euclidean=lambda x: tf.math.reduce_euclidean_norm(x, [1, 2]),
    l2_normalize=lambda x: tf.math.l2_normalize(x, -1),
    l1_norm=lambda x: tf.norm(x, 1, axis=-1),
    argmax=lambda x: tf.argmax(x, -1),
    argmin=lambda x: tf.argmin(x, -1, tf.int32),
    top_k=lambda x: tf.math.top_k(x, 2),
    top_k_values=lambda x: tf.math.top_k(x, 2).values,
    sort=lambda x: tf.sort(x, -1),
    local_response=lambda x: tf.nn.local_response_normalization(x, 2),
    l2_pool=lambda x: tf.sqrt(tf.nn.avg_pool2d(tf.square(x), 2, 2, "VALID")),
)
# Weights of more than 1024 elements, which the converter stores in 8 bits where activations stay real
layers(
    (6, 5, 16),
    large_conv2d=lambda: L.Conv2D(16, 3, activation="relu"),
    large_depthwise=lambda: L.DepthwiseConv2D(3, depth_multiplier=8),
    large_transposed=lambda: L.Conv2DTranspose(9, 3, strides=2),
    large_separable=lambda: L.SeparableConv2D(40, 5, depth_multiplier=4, padding="same"),
)
layers(
    (48,), large_dense=lambda: L.Dense(40, activation="relu"), large_two_dense=lambda: chain(L.Dense(40), L.Dense(30))
)
layers((6, 24), large_lstm=lambda: OLD.LSTM(20), large_rows=lambda: L.Dense(48), large_conv1d=lambda: L.Conv1D(30, 3))
layers((6, 24), large_gru=lambda: L.GRU(20, unroll=True), large_einsum=lambda: L.EinsumDense("bij,jk->bik", (None, 48)))
layers((6, 24), large_bidirectional=lambda: OLD.Bidirectional(OLD.LSTM(20)))
layers((9,), whole=90, large_embedding=lambda: chain(L.Embedding(90, 16), L.GlobalAveragePooling1D()))
functions((6, 24), large_matmul=lambda x: tf.matmul(x, constant(24, 48)))
# Products of computed tensors
functions(
    ROWS,
    matmul=lambda x: tf.matmul(x, x, transpose_b=True),
    matmul_transposed=lambda x: tf.matmul(x, x, transpose_a=True),
    matmul_constant=lambda x: tf.matmul(x, constant(5, 3)),
    einsum=lambda x: tf.einsum("bij,bkj->bik", x, x),
    einsum_outer=lambda x: tf.einsum("bij,bik->bijk", x, tf.tanh(x)),
    einsum_constant=lambda x: tf.einsum("bij,jk->bki", x, constant(5, 3)),
    einsum_sum=lambda x: tf.einsum("bij->bj", x),
    tensordot=lambda x: tf.tensordot(x, constant(5, 3), 1),
    attention=lambda x: tf.matmul(tf.nn.softmax(tf.matmul(x, x, transpose_b=True)), x),
    linear_triangle=lambda x: tf.matmul(tf.linalg.band_part(tf.ones((7, 7)), -1, 0), x),
)
functions(LINE, LINE, tf_add=tf.add, tf_subtract=tf.subtract, tf_multiply=tf.multiply, tf_maximum=tf.maximum)
functions(LINE, LINE, cosine=lambda x, y: tf.reduce_sum(tf.math.l2_normalize(x) * tf.math.l2_normalize(y), -1))
functions(
    LINE,
    whole=30,
    whole_add=lambda x: x + 3,
    whole_mod=lambda x: tf.math.floormod(x, 7),
    whole_cast=lambda x: tf.cast(x, tf.float32) * 0.1,
    whole_one_hot=lambda x: tf.one_hot(x, 30),
    whole_table=lambda x: tf.nn.embedding_lookup(constant(30, 4), x),
)
