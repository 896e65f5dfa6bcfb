"""What to do about operators that are not supported, by what they are for."""

from __future__ import annotations

from edgeq.importers.problems import DEFAULT_HINT

APPLICATION = "cut the model before it and do in the application what it does"

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "it is a loop, as the converter makes of recurrent layers: build them with unroll=True, such as "
        "keras.layers.LSTM(…, unroll=True), and a fixed number of steps, and convert again",
        ("WHILE", "STABLEHLO_WHILE"),
    ),
    (
        "the converter fused a recurrent layer: build it with unroll=True, such as keras.layers.LSTM(…, unroll=True), "
        "and a fixed number of steps, and convert again; or use convolutions over time",
        (
            "RNN",
            "UNIDIRECTIONAL_SEQUENCE_RNN",
            "BIDIRECTIONAL_SEQUENCE_RNN",
        ),
    ),
    (
        "the model branches at run time: export it for inference alone, without tf.cond and without a training switch",
        ("IF", "STABLEHLO_CASE"),
    ),
    (
        "cut the model before it and decode the boxes in the application",
        ("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5"),
    ),
    (
        "its result is no real number or has no fixed shape: " + APPLICATION,
        (
            "WHERE",
            "UNIQUE",
            "BUCKETIZE",
            "SPARSE_TO_DENSE",
            "SEGMENT_SUM",
            "UNSORTED_SEGMENT_MAX",
            "UNSORTED_SEGMENT_MIN",
            "UNSORTED_SEGMENT_PROD",
            "UNSORTED_SEGMENT_SUM",
            "STABLEHLO_SCATTER",
            "STABLEHLO_SORT",
        ),
    ),
    (
        "it looks up words or other whole numbers: do that in the application, and give the model the vectors found",
        (
            "EMBEDDING_LOOKUP_SPARSE",
            "CONCAT_EMBEDDINGS",
            "SKIP_GRAM",
            "LSH_PROJECTION",
            "HASHTABLE",
            "HASHTABLE_FIND",
            "HASHTABLE_IMPORT",
            "HASHTABLE_LOOKUP",
            "HASHTABLE_SIZE",
        ),
    ),
    (
        "compute spectra in the application, and give the model their magnitudes",
        ("RFFT2D", "COMPLEX_ABS", "REAL", "IMAG"),
    ),
    (
        "inference must not depend on chance: export the model without dropout, noise and sampling",
        ("RANDOM_UNIFORM", "RANDOM_STANDARD_NORMAL", "MULTINOMIAL", "STABLEHLO_RNG_BIT_GENERATOR"),
    ),
    (
        "the file is compiled for one accelerator: give edgeq the model from which it was made",
        ("DELEGATE", "CUSTOM edgetpu-custom-op", "CUSTOM ethos-u", "CALL", "PLACEHOLDER_FOR_GREATER_OP_CODES"),
    ),
    (
        "the model was trained with simulated quantization: convert it with optimizations=[tf.lite.Optimize.DEFAULT], "
        "which makes 8-bit operators of it",
        ("FAKE_QUANT",),
    ),
    ("use AVERAGE_POOL_2D or MAX_POOL_2D", ("REDUCE_WINDOW",)),
    ("use TRANSPOSE_CONV with a constant kernel", ("DILATE",)),
    (
        "it works on whole numbers: cut the model before it and do in the application what it does",
        ("BITCAST", "BITWISE_XOR", "RIGHT_SHIFT"),
    ),
    (
        "edgeq has two-dimensional convolutions: write it as several of them, or as one over merged dimensions",
        ("CONV_3D_TRANSPOSE",),
    ),
)
TYPES: dict[str, str] = {
    "INT16": "convert the model again, quantized with activations of 8 or 16 bits",
    "FLOAT16": "convert the model again with float32 activations; its weights may be float16",
    "FLOAT64": "convert the model again with float32 numbers",
    "BOOL": "edgeq has no truth values at run time: cut the model before it, or give the model real numbers",
    "STRING": "edgeq has no texts: cut the model behind what reads them, and give it numbers",
    "RESOURCE": "the model keeps a state in it between its calls: export one step with it as an input and an output",
    "COMPLEX64": "compute spectra in the application, and give the model their magnitudes",
}
WHOLE = (
    "edgeq takes float32, int8 and uint8 activations: give the model real numbers, and do in the application what "
    "needs whole ones, such as looking up words"
)
HINTS = {kind: hint for hint, kinds in GROUPS for kind in kinds}
PREFIXES = (
    ("CUSTOM Flex", "the converter left it to TensorFlow: convert with TFLITE_BUILTINS alone, without SELECT_TF_OPS"),
    ("STABLEHLO_", "convert to operators of TensorFlow Lite (TFLITE_BUILTINS), not to StableHLO"),
    ("operator code ", "the file is newer than edgeq's schema: convert the model with an older TensorFlow"),
)


def type_hint(dtype: str) -> str:
    """What to do about a computed tensor of an element type that edgeq does not take."""
    return TYPES.get(dtype, WHOLE)


def hint_for(kind: str) -> str:
    """What to do about an operator of a kind that is not supported."""
    for prefix, hint in PREFIXES:
        if kind.startswith(prefix) and kind not in HINTS:
            return hint
    return HINTS.get(kind, DEFAULT_HINT)
