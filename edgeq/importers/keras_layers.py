"""Layers of Keras 3 by name: what TensorFlow's converter makes of them, and what can take the place of the others.

Tried with TensorFlow 2.21: each layer in a model of its own, converted to .tflite and read.
"""

from __future__ import annotations

_GONE = "Nothing is left of it in inference."
_WINDOWS = "As CONV_2D."
_RECURRENT = "From a .keras file, HDF5 or SavedModel: a loop becomes the recurrent layer (docs/recurrent.md)."
_VOLUMES = "convert the model to ONNX, of which convolutions and pools over volumes are taken"
_LOOKUP = "look up words in the application, and give the model whole numbers or vectors"
_STEP = "give its state as an input and an output of a step made of Conv2D (docs/streaming.md)"
_RANDOM = "leave it out of the model that is exported: it is for training"

TAKEN: dict[str, str] = {
    "Activation": "As the functions that it names.",
    **dict.fromkeys(("ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise"), _GONE),
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), _GONE),
    "Add": "As ADD.",
    "AdditiveAttention": "As ADD, TANH, SUM, SOFTMAX and BATCH_MATMUL.",
    "Attention": "As BATCH_MATMUL and SOFTMAX.",
    "Average": "As ADD and MUL.",
    **dict.fromkeys(("AveragePooling1D", "AveragePooling2D"), "As AVERAGE_POOL_2D."),
    "BatchNormalization": "Folded into the layer before it, or MUL and ADD.",
    "CenterCrop": "As STRIDED_SLICE.",
    "Concatenate": "As CONCATENATION.",
    **dict.fromkeys(("Conv1D", "Conv2D", "SeparableConv1D", "SeparableConv2D"), _WINDOWS),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose"), "As TRANSPOSE_CONV."),
    **dict.fromkeys(("Cropping1D", "Cropping2D", "Cropping3D"), "As STRIDED_SLICE."),
    **dict.fromkeys(("Dense", "EinsumDense", "SpectralNormalization"), "As FULLY_CONNECTED or BATCH_MATMUL."),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), "As DEPTHWISE_CONV_2D."),
    "Dot": "As BATCH_MATMUL.",
    "ELU": "As ELU.",
    **dict.fromkeys(("Bidirectional", "GRU", "LSTM", "SimpleRNN"), _RECURRENT),
    **dict.fromkeys(("Flatten", "Reshape"), "As RESHAPE."),
    **dict.fromkeys(("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D"), "As MEAN."),
    **dict.fromkeys(("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D"), "As REDUCE_MAX."),
    **dict.fromkeys(
        ("GroupNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"),
        "Recognized in its spelling, and computed by one kernel.",
    ),
    "LeakyReLU": "As LEAKY_RELU.",
    **dict.fromkeys(("MaxPooling1D", "MaxPooling2D"), "As MAX_POOL_2D."),
    "Maximum": "As MAXIMUM.",
    "Minimum": "As MINIMUM.",
    "GroupQueryAttention": "As BATCH_MATMUL, SOFTMAX, TILE and TRANSPOSE.",
    "MultiHeadAttention": "As BATCH_MATMUL, SOFTMAX and TRANSPOSE.",
    "Multiply": "As MUL.",
    "Normalization": "As SUB and MUL, with constant mean and variance.",
    "PReLU": "As RELU, NEG, MUL and ADD.",
    "Permute": "As TRANSPOSE.",
    "ReLU": "As RELU or RELU6.",
    "RepeatVector": "As TILE.",
    "Rescaling": "As MUL.",
    "Resizing": "As RESIZE_BILINEAR or RESIZE_NEAREST_NEIGHBOR.",
    "STFTSpectrogram": "As CONV_2D, SQUARE, SQRT and LOG.",
    "Softmax": "As SOFTMAX.",
    "Subtract": "As SUB.",
    "TimeDistributed": "As the layer for each step, unrolled.",
    **dict.fromkeys(("UpSampling1D", "UpSampling2D", "UpSampling3D"), "As TILE, or RESIZE_NEAREST_NEIGHBOR of images."),
    **dict.fromkeys(("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"), "As PAD."),
}
"""What is taken of a layer."""

REFUSED: dict[str, str] = {
    **dict.fromkeys(("AveragePooling3D", "Conv3D", "Conv3DTranspose", "MaxPooling3D"), _VOLUMES),
    **dict.fromkeys(("Hashing", "IntegerLookup", "StringLookup", "TextVectorization"), _LOOKUP),
    **dict.fromkeys(("RandomBrightness", "RandomContrast", "RandomCrop", "RandomFlip", "RandomRotation"), _RANDOM),
    **dict.fromkeys(("RandomTranslation", "RandomZoom"), _RANDOM),
    "CategoryEncoding": "use tf.gather of a constant unit matrix",
    **dict.fromkeys(
        ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
        "give its state as an input and an output of a step made of Conv2D (docs/streaming.md)",
    ),
    "Embedding": "use tf.gather of a constant table, which becomes GATHER: Keras wraps negative numbers",
    "Discretization": "compare in the application, or use Rescaling",
    "Masking": "give sequences of a fixed length",
    "MelSpectrogram": "use STFTSpectrogram, and Dense with constant mel weights",
}
"""What can take the place of a layer that is not."""
