"""What to do about ONNX's operators that are not supported, by what they are for."""

from __future__ import annotations

from edgeq.importers.problems import DEFAULT_HINT

_DYNAMIC = "dequantize its inputs first (DequantizeLinear), or give the float model and calibration data"
_LOOP = "control flow is not supported: export with the loop unrolled"
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (_LOOP, ("Loop", "Scan")),
    ("control flow is not supported: export without it, or fold it away with a model simplifier", ("If",)),
    (_DYNAMIC, ("MatMulInteger", "ConvInteger")),
    ("make the shape a constant when exporting the model", ("Reshape", "ConstantOfShape", "EyeLike")),
    (
        "inference must not depend on chance: draw random numbers outside the model and give them as an input",
        ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"),
    ),
    (
        "encode texts in the application, and give the model numbers",
        (
            *("RegexFullMatch", "StringConcat", "StringNormalizer", "StringSplit", "TfIdfVectorizer"),
            *("CategoryMapper", "DictVectorizer", "CastMap"),
        ),
    ),
    (
        "pass tensors in place of sequences: stack them with Concat, choose with Slice or Gather",
        (
            *("ConcatFromSequence", "SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase"),
            *("SequenceInsert", "SequenceLength", "SequenceMap", "SplitToSequence"),
        ),
    ),
    ("export with every input given", ("Optional",)),
    (
        "it works on whole numbers: give it such; the bits of real ones are no longer there when they are quantized",
        ("BitCast", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor"),
    ),
    (
        "its result has no fixed shape: cut the model before it and do in the application what it does",
        ("NonZero", "Unique"),
    ),
    ("use ReduceL2 over rows and columns", ("GlobalLpPool",)),
    ("work on the whole image, or cut the model before it", ("MaxRoiPool",)),
    ("cut the model before it and do in the application what it does", ("ImageDecoder", "MelWeightMatrix")),
    ("use OneHot", ("OneHotEncoder",)),
    ("use Concat", ("FeatureVectorizer",)),
)
HINTS = {kind: hint for hint, kinds in GROUPS for kind in kinds}


def hint_for(kind: str) -> str:
    """What to do about an operator of a kind that is not supported."""
    return HINTS.get(kind, DEFAULT_HINT)
