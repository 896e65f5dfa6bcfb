"""What convolutions and pools share: NCHW to NHWC and back, 1-D signals as images of one row, windows and padding."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgeq.errors import ModelError
from edgeq.importers.onnx.node import OnnxNode
from edgeq.ir.tensor import Shape
from edgeq.ops._window import Padding, Pair
from edgeq.ops.reshape import Reshape
from edgeq.ops.transpose import Transpose

_CHECK = "check the attributes of this node"


def to_nhwc(node: OnnxNode, value: str, suffix: str = "nhwc") -> str:
    """(N, C, H, W) or (N, C, L) → (N, H, W, C) or (N, 1, L, C).

    Raises:
        ModelError: the tensor has another rank.
    """
    shape = node.type(value).shape
    if len(shape) == 4:
        return node.emit(Transpose((0, 2, 3, 1)), [value], suffix, keep_q=True)
    if len(shape) == 3:
        last = node.emit(Transpose((0, 2, 1)), [value], f"{suffix}_nlc", keep_q=True)
        return node.emit(Reshape((shape[0], 1, shape[2], shape[1])), [last], suffix, keep_q=True)
    dims = f"{len(shape) - 2}-D" if len(shape) > 4 else f"{len(shape)}-dimensional input"
    raise ModelError(f"{node.kind} of this rank is not supported: {dims}", hint="use a 1-D or 2-D operator")


def from_nhwc(node: OnnxNode, value: str, rank: int) -> str:
    """Back to the layout that `to_nhwc` took, of the given rank."""
    if rank == 4:
        return node.emit(Transpose((0, 3, 1, 2)), [value], "nchw", keep_q=True)
    n, _, length, c = node.type(value).shape
    flat = node.emit(Reshape((n, length, c)), [value], "nlc", keep_q=True)
    return node.emit(Transpose((0, 2, 1)), [flat], "ncl", keep_q=True)


@dataclass(frozen=True)
class Window:
    """Geometry of a convolution or pool over rows and columns."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    padding: Padding

    @property
    def span(self) -> Pair:
        """Rows and columns that the dilated window covers."""
        return (
            self.dilation[0] * (self.kernel[0] - 1) + 1,
            self.dilation[1] * (self.kernel[1] - 1) + 1,
        )


def spatial_sizes(node: OnnxNode, index: int = 0) -> Pair:
    """Rows and columns of an input of the model's layout."""
    shape = node.shape(index)
    return (1, shape[2]) if len(shape) == 3 else (shape[2], shape[3])


def pair(node: OnnxNode, values: tuple[int, ...] | None, what: str, default: int, least: int = 1) -> Pair:
    """One number per spatial dimension, as rows and columns.

    Raises:
        ModelError: their count does not fit, or one is below `least`.
    """
    count = len(node.shape(0)) - 2
    sizes = values if values is not None else (default,) * count
    if len(sizes) != count or any(not least <= v < 2**31 for v in sizes):
        raise ModelError(f"{what} {sizes} does not fit {count} dimension(s)", hint=_CHECK)
    return (default, sizes[0]) if count == 1 else (sizes[0], sizes[1])


def window(node: OnnxNode, kernel: Shape | None) -> Window:
    """The node's window; `auto_pad` is resolved.

    Args:
        node: a convolution or pool whose input 0 has rank 3 or 4.
        kernel: kernel sizes (one per dimension), None to read them from the attribute.

    Raises:
        ModelError: attributes are missing or do not fit.
    """
    declared = node.attr_ints("kernel_shape")
    if kernel is None and declared is None:
        raise ModelError("the window's size is not given", hint=_CHECK)
    if kernel is not None and declared is not None and tuple(declared) != tuple(kernel):
        raise ModelError(f"attribute kernel_shape {declared} does not fit the weights' {kernel}", hint=_CHECK)
    sizes = pair(node, kernel if kernel is not None else declared, "kernel", 1)
    strides = pair(node, node.attr_ints("strides"), "strides", 1)
    dilations = pair(node, node.attr_ints("dilations"), "dilations", 1)
    geometry = Window(sizes, strides, dilations, explicit_padding(node))
    return replace(geometry, padding=_auto_padding(node, geometry))


def explicit_padding(node: OnnxNode) -> Padding:
    """The attribute `pads`: begins, then ends."""
    count = len(node.shape(0)) - 2
    pads = node.attr_ints("pads") or (0,) * (2 * count)
    if len(pads) != 2 * count or any(not 0 <= p < 2**31 for p in pads):
        raise ModelError(f"padding {pads} is not supported", hint="use one non-negative number per side")
    return (0, pads[0], 0, pads[1]) if count == 1 else (pads[0], pads[1], pads[2], pads[3])


def _auto_padding(node: OnnxNode, geometry: Window) -> Padding:
    mode = node.attr_str("auto_pad", "NOTSET")
    if mode in ("NOTSET", ""):
        return geometry.padding
    if mode == "VALID":
        return (0, 0, 0, 0)
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise ModelError(f"auto_pad {mode!r} is unknown", hint=_CHECK)
    before, after = [], []
    for size, span, stride in zip(spatial_sizes(node), geometry.span, geometry.stride, strict=True):
        total = max((-(-size // stride) - 1) * stride + span - size, 0)
        less, more = total // 2, total - total // 2
        before.append(less if mode == "SAME_UPPER" else more)
        after.append(more if mode == "SAME_UPPER" else less)
    return (before[0], before[1], after[0], after[1])


def extend_for_ceil(geometry: Window, sizes: Pair) -> Window:
    """Padding extended below and right so that the last window, which may stick out, is counted too.

    A window that would start in the padding behind the input is not counted.
    """
    after = []
    for k in range(2):
        before, behind = geometry.padding[k], geometry.padding[k + 2]
        room = sizes[k] + before + behind - geometry.span[k]
        count = -(-room // geometry.stride[k]) + 1
        if (count - 1) * geometry.stride[k] >= sizes[k] + before:
            count -= 1
        after.append(max(behind, (count - 1) * geometry.stride[k] + geometry.span[k] - sizes[k] - before))
    return replace(geometry, padding=(geometry.padding[0], geometry.padding[1], after[0], after[1]))
