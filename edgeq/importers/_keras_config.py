"""What a Keras model's configuration may name: layers and functions that Keras itself has, and that only compute.

A configuration is JSON that names classes, functions and modules, which Keras looks up, imports and calls; a Lambda
layer has its Python code in it. So it is read before Keras sees it, and only names in these tables pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MODELS = frozenset({"Functional", "Model", "Sequential"})
LAYERS = _words(
    """
    Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
    AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AdditiveAttention AlphaDropout Attention
    Average AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D BatchNormalization
    BatchNormalizationV1 BatchNormalizationV2 Bidirectional CategoryEncoding CenterCrop Concatenate Conv1D
    Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D
    Convolution1DTranspose Convolution2D Convolution2DTranspose Convolution3D Convolution3DTranspose Cropping1D
    Cropping2D Cropping3D CuDNNGRU CuDNNLSTM Dense DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU
    EinsumDense Embedding Flatten GRU GRUCell GRUCellV2 GRUV2 GaussianDropout GaussianNoise GlobalAveragePooling1D
    GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D
    GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization
    GroupQueryAttention GroupedQueryAttention Identity InputLayer LSTM LSTMCell LSTMCellV2 LSTMV2 LayerNormalization
    LeakyReLU LocallyConnected1D LocallyConnected2D Masking MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D
    MaxPooling3D Maximum MelSpectrogram Minimum MultiHeadAttention Multiply Normalization PReLU Permute
    RMSNormalization RNN RandomBrightness RandomContrast RandomCrop RandomFlip RandomHeight RandomRotation
    RandomTranslation RandomWidth RandomZoom ReLU RepeatVector Rescaling Reshape Resizing ReversibleEmbedding
    STFTSpectrogram SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D SimpleRNN
    SimpleRNNCell Softmax SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells
    Subtract SyncBatchNormalization ThresholdedReLU TimeDistributed UnitNormalization UpSampling1D UpSampling2D
    UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D
    """
)
"""Layers whose weights are all that a file gives them. Not among them: those with code (Lambda, TorchModuleWrapper,
JaxLayer), those that read other files (TFSMLayer, and lookups, whose vocabulary may be a path)."""
PARTS = _words(
    """
    Constant ConstantV2 GlorotNormal GlorotUniform HeNormal HeUniform IdentityInitializer LecunNormal LecunUniform
    Ones OnesV2 Orthogonal OrthogonalInitializer RandomNormal RandomNormalV2 RandomUniform RandomUniformV2 STFT
    STFTInitializer TruncatedNormal TruncatedNormalV2 VarianceScaling VarianceScalingV2 Zeros ZerosV2 constant
    glorot_normal glorot_uniform he_normal he_uniform identity lecun_normal lecun_uniform ones orthogonal
    random_normal random_uniform truncated_normal variance_scaling zeros L1 L1L2 L2 OrthogonalRegularizer l1 l1_l2
    l2 orthogonal_regularizer MaxNorm MinMaxNorm NonNeg RadialConstraint UnitNorm max_norm min_max_norm non_neg
    radial_constraint unit_norm DTypePolicy DTypePolicyMap FloatDTypePolicy Policy PolicyV1 QuantizedDTypePolicy
    QuantizedFloat8DTypePolicy InputSpec SeedGenerator
    """
)
"""Initializers, regularizers, constraints and types."""
VALUES = frozenset(
    {"TensorShape", "__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__", "__tensor__", "__tuple__"}
)
"""What Keras writes in place of Python values."""
TRAINING = _words(
    """
    Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion LossScaleOptimizer Muon Nadam RMSprop SGD
    BinaryAccuracy BinaryCrossentropy BinaryFocalCrossentropy CategoricalAccuracy CategoricalCrossentropy
    CategoricalFocalCrossentropy CosineSimilarity Hinge Huber KLDivergence LogCosh MeanAbsoluteError
    MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError Poisson Precision Recall
    RootMeanSquaredError SparseCategoricalAccuracy SparseCategoricalCrossentropy SquaredHinge
    TopKCategoricalAccuracy CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay PiecewiseConstantDecay
    PolynomialDecay AUC
    """
)
"""How a model within the model was trained."""
ACTIVATIONS = _words(
    """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear
    log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus
    sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold ReLU LeakyReLU PReLU ELU Softmax
    ThresholdedReLU
    """
)
OPERATIONS = re.compile(r"keras\.(?:src\.)?ops\.(?:core|image|linalg|math|nn|numpy)")
"""Modules of Keras 3 with its operations on tensors."""
CALLING = frozenset(
    {"AssociativeScan", "Cond", "ForiLoop", "Map", "Operation", "Scan", "Switch", "VectorizedMap", "WhileLoop"}
)
"""Those of the operations that call functions."""
TENSORFLOW = re.compile(
    r"(?:compat\.v1\.)?(?:(?:math|nn|linalg|bitwise|signal|__operators__)\.\w+|keras\.(?:activations|backend)\.\w+|"
    r"(?:abs|add|argmax|argmin|batch_to_space|broadcast_to|cast|clip_by_value|concat|convert_to_tensor|cos|cumsum|divide|"
    r"einsum|equal|expand_dims|eye|exp|fill|floor|gather|gather_nd|greater|greater_equal|identity|"
    r"image\.(?:central_crop|resize|resize_with_crop_or_pad|resize_with_pad|rgb_to_grayscale)|less|less_equal|"
    r"logical_and|logical_not|logical_or|matmul|maximum|minimum|multiply|negative|norm|not_equal|one_hot|ones|ones_like|"
    r"pad|pow|range|rank|realdiv|reduce_\w+|repeat|reshape|reverse|roll|round|shape|sigmoid|sign|sin|size|slice|"
    r"space_to_batch|space_to_depth|split|sqrt|square|squeeze|stack|stop_gradient|strided_slice|subtract|tanh|tensordot|"
    r"tile|transpose|truediv|unstack|where|zeros|zeros_like))"
)
"""Functions of TensorFlow that Keras 2 makes layers of (TFOpLambda): those that take tensors and give tensors."""
FUNCTIONS = ("TFOpLambda", "SlicingOpLambda")
KERAS = re.compile(r"(?:tf_)?keras(?:\.\w+)*|tensorflow\.(?:python\.)?keras(?:\.\w+)*|builtins")
_NAMED = ("activation", "recurrent_activation")
_PARTS_NAMED = ("initializer", "regularizer", "constraint")


def objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every object in a configuration that names a class, outermost first."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Mapping):
            if "class_name" in item:
                yield item
            waiting.extend(item.values())
        elif isinstance(item, list | tuple):
            waiting.extend(item)


def complaint(config: Any) -> str | None:
    """What a configuration holds that is not taken, in words, or None.

    Args:
        config: the model's, as `json` reads it.
    """
    for item in objects(config):
        bad = _class(item)
        if bad is None and isinstance(item.get("config"), Mapping):
            bad = _names(item["config"])
        if bad is not None:
            name = item.get("name") or (item["config"].get("name") if isinstance(item.get("config"), Mapping) else None)
            return f"{bad} (layer {str(name)[:80]!r})" if name else bad
    return None


def _class(item: Mapping[str, Any]) -> str | None:
    """What is wrong with the class that an object names."""
    kind, module, config = item["class_name"], item.get("module"), item.get("config")
    if not isinstance(kind, str):
        return "a class whose name is no text"
    if kind in ("Lambda", "__lambda__"):
        return "Python code"
    if module is not None and not (isinstance(module, str) and KERAS.fullmatch(module)):
        return f"the class {kind[:80]!r} of the module {str(module)[:80]!r}"
    if isinstance(module, str) and OPERATIONS.fullmatch(module):
        return None if re.fullmatch(r"[A-Z]\w*", kind) and kind not in CALLING else f"the operation {kind[:80]!r}"
    registered = item.get("registered_name")
    if registered is not None and registered not in (kind, config if kind == "function" else kind):
        return f"the custom class {str(registered)[:80]!r}"
    if kind == "function":
        return None if isinstance(config, str) and config in ACTIVATIONS else f"the function {str(config)[:80]!r}"
    if kind in FUNCTIONS:
        function = config.get("function") if isinstance(config, Mapping) else None
        taken = isinstance(function, str) and TENSORFLOW.fullmatch(function)
        return None if taken else f"the function {str(function)[:80]!r} of TensorFlow"
    known = kind in MODELS or kind in LAYERS or kind in PARTS or kind in VALUES or kind in TRAINING
    return None if known else f"the class {kind[:80]!r}, which is none of Keras's own layers that only compute"


def _names(config: Mapping[str, Any]) -> str | None:
    """What is wrong with the functions that a layer's options name."""
    for key, value in config.items():
        if isinstance(value, str) and key in _NAMED and value not in ACTIVATIONS:
            return f"the activation {value[:80]!r}"
        if isinstance(value, str) and key.rpartition("_")[2] in _PARTS_NAMED and value not in PARTS:
            return f"the {key.rpartition('_')[2]} {value[:80]!r}"
    return None
