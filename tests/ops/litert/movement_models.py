"""The models of the vectors: operators that move elements."""

from __future__ import annotations

from typing import Any

from models import Model, case
from tflite_file import Tensor


def moved(m: Model, kind: str, shape: Any, out: Any, extra: Any, table: str, options: Any) -> Model:
    """One input, int32 operands behind it, one output under the same scale."""
    x = m.input(*shape)
    operands = [m.ints(e) for e in extra]
    m.output(*out, like=x)
    return m.op(kind, [x, *operands], table, **options)


def masks(begin: int = 0, end: int = 0, ellipsis: int = 0, new: int = 0, shrink: int = 0) -> dict[str, int]:
    """The masks of a strided slice."""
    return {"BeginMask": begin, "EndMask": end, "EllipsisMask": ellipsis, "NewAxisMask": new, "ShrinkAxisMask": shrink}


def resize(align: bool, half: bool) -> dict[str, bool]:
    """The options of both resizes."""
    return {"AlignCorners": align, "HalfPixelCenters": half}


NEAREST, BILINEAR = "ResizeNearestNeighborOptions", "ResizeBilinearOptions"
MOVES: list[tuple[str, Any, Any, Any, str, Any]] = [
    ("RESHAPE", (1, 4, 3, 5), (1, 60), [[1, -1]], "ReshapeOptions", {"NewShape": [1, -1]}),
    ("RESHAPE", (2, 6), (1, 3, 4), [[1, 3, 4]], "ReshapeOptions", {"NewShape": [1, 3, 4]}),
    ("SQUEEZE", (1, 1, 3, 1), (1, 3), [], "SqueezeOptions", {"SqueezeDims": [1, 3]}),
    ("EXPAND_DIMS", (2, 5), (2, 1, 5), [[1]], "ExpandDimsOptions", {}),
    ("TRANSPOSE", (1, 3, 4, 5), (1, 5, 3, 4), [[0, 3, 1, 2]], "TransposeOptions", {}),
    ("TRANSPOSE", (3, 4, 5), (5, 4, 3), [[2, 1, 0]], "TransposeOptions", {}),
    ("SLICE", (1, 6, 5, 4), (1, 3, 5, 2), [[0, 2, 0, 1], [1, 3, -1, 2]], "SliceOptions", {}),
    (
        "STRIDED_SLICE",
        (1, 6, 5, 4),
        (1, 3, 2, 4),
        [[0, 1, 0, 0], [1, 6, 4, 4], [1, 2, 2, 1]],
        "StridedSliceOptions",
        masks(),
    ),
    ("STRIDED_SLICE", (4, 6), (4,), [[0, -2], [0, 0], [1, 1]], "StridedSliceOptions", masks(begin=1, end=1, shrink=2)),
    ("STRIDED_SLICE", (4, 6), (4, 3), [[0, 5], [4, -7], [1, -2]], "StridedSliceOptions", masks()),
    ("STRIDED_SLICE", (2, 3, 4), (2, 3, 2), [[0, 1], [0, 3], [1, 1]], "StridedSliceOptions", masks(ellipsis=1)),
    ("PAD", (1, 4, 3, 2), (1, 7, 4, 2), [[[0, 0], [1, 2], [1, 0], [0, 0]]], "PadOptions", {}),
    ("PAD", (2, 3), (4, 6), [[[1, 1], [0, 3]]], "PadOptions", {}),
    ("MIRROR_PAD", (1, 4, 3, 2), (1, 7, 5, 2), [[[0, 0], [1, 2], [1, 1], [0, 0]]], "MirrorPadOptions", {"Mode": 0}),
    ("MIRROR_PAD", (1, 4, 3, 2), (1, 7, 5, 2), [[[0, 0], [1, 2], [1, 1], [0, 0]]], "MirrorPadOptions", {"Mode": 1}),
    ("DEPTH_TO_SPACE", (1, 2, 3, 8), (1, 4, 6, 2), [], "DepthToSpaceOptions", {"BlockSize": 2}),
    ("SPACE_TO_DEPTH", (1, 4, 6, 3), (1, 2, 3, 12), [], "SpaceToDepthOptions", {"BlockSize": 2}),
    ("REVERSE_V2", (2, 5, 3), (2, 5, 3), [[1]], "ReverseV2Options", {}),
    ("TILE", (1, 2, 3), (1, 4, 9), [[1, 2, 3]], "TileOptions", {}),
    ("BROADCAST_TO", (1, 3, 1), (2, 4, 3, 5), [[2, 4, 3, 5]], "BroadcastToOptions", {}),
    ("BROADCAST_TO", (7, 40), (3, 7, 40), [[3, 7, 40]], "BroadcastToOptions", {}),
    ("GATHER", (1, 7, 3), (1, 4, 3), [[5, 1, 2, 2]], "GatherOptions", {"Axis": 1}),
    ("GATHER", (4, 5), (5,), [2], "GatherOptions", {"Axis": 0}),
    ("SPACE_TO_BATCH_ND", (1, 5, 6, 3), (6, 3, 3, 3), [[3, 2], [[1, 3], [0, 0]]], "SpaceToBatchNDOptions", {}),
    ("SPACE_TO_BATCH_ND", (2, 4, 3), (4, 2, 3), [[2], [[0, 0]]], "SpaceToBatchNDOptions", {}),
    ("BATCH_TO_SPACE_ND", (6, 3, 4, 2), (1, 7, 7, 2), [[3, 2], [[1, 1], [0, 1]]], "BatchToSpaceNDOptions", {}),
    ("BATCH_TO_SPACE_ND", (4, 2, 3), (2, 4, 3), [[2], [[0, 0]]], "BatchToSpaceNDOptions", {}),
    ("RESIZE_NEAREST_NEIGHBOR", (1, 3, 4, 2), (1, 6, 8, 2), [[6, 8]], NEAREST, resize(False, False)),
    ("RESIZE_NEAREST_NEIGHBOR", (1, 5, 4, 3), (1, 7, 3, 3), [[7, 3]], NEAREST, resize(False, True)),
    ("RESIZE_NEAREST_NEIGHBOR", (1, 3, 5, 2), (1, 7, 9, 2), [[7, 9]], NEAREST, resize(True, False)),
    ("RESIZE_BILINEAR", (1, 3, 4, 2), (1, 6, 8, 2), [[6, 8]], BILINEAR, resize(False, False)),
    ("RESIZE_BILINEAR", (1, 5, 4, 3), (1, 7, 3, 3), [[7, 3]], BILINEAR, resize(False, True)),
    ("RESIZE_BILINEAR", (1, 3, 5, 2), (1, 7, 9, 2), [[7, 9]], BILINEAR, resize(True, False)),
    ("RESIZE_BILINEAR", (1, 4, 4, 5), (1, 8, 8, 5), [[8, 8]], BILINEAR, resize(False, True)),
]
for number, move in enumerate(MOVES):
    earlier = sum(other[0] == move[0] for other in MOVES[:number])
    case(move[0], f"{earlier}", lambda m, a=move: moved(m, *a))


for number, (shape, out, align, half) in enumerate(
    [
        ((1, 3, 4, 2), (1, 6, 8, 2), False, False),
        ((1, 5, 4, 3), (1, 7, 3, 3), False, True),
        ((1, 3, 5, 2), (1, 7, 9, 2), True, False),
        ((1, 4, 4, 5), (1, 8, 8, 5), False, True),
        ((2, 3, 5, 2), (2, 17, 13, 2), True, False),
        ((1, 7, 6, 3), (1, 6, 19, 3), False, False),
    ]
):
    args = ("RESIZE_BILINEAR", shape, out, [out[1:3]], BILINEAR, resize(align, half))
    case("RESIZE_BILINEAR", f"uint8_{number}", lambda m, a=args: moved(m, *a), "UINT8")


def pad_v2(m: Model) -> Model:
    x = m.input(1, 3, 4, 2)
    pads = m.ints([[0, 0], [1, 2], [2, 0], [0, 0]])
    value = m.constant(1, q=m.q(x))
    m.output(1, 6, 6, 2, like=x)
    return m.op("PADV2", [x, pads, value], "PadV2Options")


def chosen(m: Model, kind: str, form: Any, constant: bool) -> Model:
    """A constant choice between two tensors of one scale."""
    x = m.input(2, 5, 7)
    y = m.constant(2, 5, 7, q=m.q(x)) if constant else m.input(2, 5, 7, q=m.q(x))
    m.tensors.append(Tensor("condition", form, "BOOL", m.rng.integers(0, 2, form)))
    condition = len(m.tensors) - 1
    m.output(2, 5, 7, like=x)
    return m.op(kind, [condition, x, y])


for number, (form, constant) in enumerate([((2, 5, 7), False), ((2, 5, 7), True), ((5, 1), False), ((7,), True)]):
    case("SELECT_V2", f"{number}", lambda m, f=form, c=constant: chosen(m, "SELECT_V2", f, c))
    if number < 2:
        case("SELECT", f"{number}", lambda m, f=form, c=constant: chosen(m, "SELECT", f, c))
        case("SELECT", f"uint8_{number}", lambda m, f=form, c=constant: chosen(m, "SELECT", f, c), "UINT8")


def joined(m: Model, kind: str, shapes: Any, axis: int, out: Any, unlike: bool = False) -> Model:
    first = m.input(*shapes[0])
    rest = [m.input(*s, q=None if unlike else m.q(first)) for s in shapes[1:]]
    if unlike:
        m.output(*out)
    else:
        m.output(*out, like=first)
    if kind == "PACK":
        return m.op(kind, [first, *rest], "PackOptions", Axis=axis, ValuesCount=len(shapes))
    return m.op(kind, [first, *rest], "ConcatenationOptions", Axis=axis)


def parts(m: Model, kind: str, shape: Any, outs: Any, axis: int) -> Model:
    if kind == "SPLIT":
        a = m.ints(axis)
        x = m.input(*shape)
        inputs, table, options = [a, x], "SplitOptions", {"NumSplits": len(outs)}
    elif kind == "SPLIT_V":
        x = m.input(*shape)
        inputs = [x, m.ints([o[axis] for o in outs]), m.ints(axis)]
        table, options = "SplitVOptions", {"NumSplits": len(outs)}
    else:
        x = m.input(*shape)
        inputs, table, options = [x], "UnpackOptions", {"Num": len(outs), "Axis": axis}
    for out in outs:
        m.output(*out, like=x)
    return m.op(kind, inputs, table, **options)


case("PADV2", "0", pad_v2)
case("CONCATENATION", "0", lambda m: joined(m, "CONCATENATION", [(1, 3, 4, 2), (1, 3, 4, 5)], 3, (1, 3, 4, 7)))
case("CONCATENATION", "1", lambda m: joined(m, "CONCATENATION", [(2, 3), (1, 3), (4, 3)], 0, (7, 3)))
case("CONCATENATION", "2", lambda m: joined(m, "CONCATENATION", [(1, 3, 2), (1, 5, 2)], -2, (1, 8, 2)))
for number in range(4):  # LiteRT converts operands to another scale in uint8 only
    case(
        "CONCATENATION",
        f"uint8_{number}",
        lambda m: joined(m, "CONCATENATION", [(1, 256), (1, 300), (1, 257)], 1, (1, 813), True),
        "UINT8",
    )
case("PACK", "0", lambda m: joined(m, "PACK", [(2, 3), (2, 3)], 1, (2, 2, 3)))
case("PACK", "1", lambda m: joined(m, "PACK", [(1, 4), (1, 4), (1, 4)], -1, (1, 4, 3)))
case("SPLIT", "0", lambda m: parts(m, "SPLIT", (1, 3, 6), [(1, 3, 2)] * 3, 2))
case("SPLIT", "1", lambda m: parts(m, "SPLIT", (1, 4, 5, 2), [(1, 2, 5, 2)] * 2, 1))
case("SPLIT_V", "0", lambda m: parts(m, "SPLIT_V", (1, 7, 3), [(1, 2, 3), (1, 4, 3), (1, 1, 3)], 1))
case("UNPACK", "0", lambda m: parts(m, "UNPACK", (2, 3, 4), [(2, 4)] * 3, 1))
