"""What single-shot detectors and networks that find poses end with."""

from __future__ import annotations

import numpy as np

from edgeq.importers.tflite.builder import Builder
from edgeq.importers.tflite.raw import AGAIN, Problem, RawOp
from edgeq.importers.tflite.registry import handles
from edgeq.ir.tensor import DType
from edgeq.ops.dequantize import Dequantize
from edgeq.ops.detection_post_process import DetectionPostProcess
from edgeq.ops.posenet_decoder import PosenetDecoder

SUPPRESSED = "train or export the model again: boxes have sizes of at least 0"


@handles("CUSTOM TFLite_Detection_PostProcess")
def detection_post_process(b: Builder, op: RawOp) -> None:
    """Boxes coded around constant anchors, of a batch of 1; what is behind the last row found is 0."""
    if len(op.inputs) != 3 or len(op.outputs) != 4:
        raise Problem(f"it has {len(op.inputs)} inputs and {len(op.outputs)} outputs, not 3 and 4", AGAIN)
    if not b.is_constant(op.inputs[2]):
        raise Problem("its anchors are computed at run time", "export the model with constant anchors")
    anchors = b.real_constant(op.inputs[2])
    data = b.editor.values[anchors].data
    if data is None or data.ndim != 2 or data.shape[1] != 4 or np.any(data[:, 2:] < 0):
        raise Problem("its anchors are not y, x, h and w, of which the last two are at least 0", SUPPRESSED)
    regular = bool(op.option("use_regular_nms"))
    if regular and op.option("detections_per_class") < 1:
        raise Problem(f"it keeps {op.option('detections_per_class')} boxes of each class", AGAIN)
    node = DetectionPostProcess(
        classes=op.option("num_classes"),
        limit=op.option("max_detections"),
        score=op.real("nms_score_threshold"),
        overlap=op.real("nms_iou_threshold"),
        per_class=op.option("detections_per_class") if regular else 0,
        per_box=op.option("max_classes_per_detection"),
        coding=(op.real("y_scale"), op.real("x_scale"), op.real("h_scale"), op.real("w_scale")),
    )
    b.emit(op, node, [*_before_real(b, b.operand(op, 0), b.operand(op, 1)), anchors])


@handles("CUSTOM PosenetDecoderOp")
def posenet_decoder(b: Builder, op: RawOp) -> None:
    """Poses of one image, of the 17 keypoints of COCO; what is behind the last one found is 0."""
    if len(op.inputs) != 3 or len(op.outputs) != 4:
        raise Problem(f"it has {len(op.inputs)} inputs and {len(op.outputs)} outputs, not 3 and 4", AGAIN)
    if any(b.is_constant(index) for index in op.inputs):
        raise Problem("its heatmaps or offsets are constant", "export the model with the network before its decoder")
    node = PosenetDecoder(
        limit=op.option("max_detections"),
        score=op.real("score_threshold"),
        stride=op.option("stride"),
        radius=op.real("nms_radius"),
    )
    b.emit(op, node, [*_before_real(b, *(b.operand(op, k) for k in range(3)))])


def _before_real(b: Builder, *values: str) -> tuple[str, ...]:
    """Values as the operator takes them: all of 8 bits, which it dequantizes itself, or all real."""
    makers = {out: node for node in b.editor.nodes.values() for out in node.outputs}
    borders = (makers.get(value) for value in values)
    found = tuple(
        str(border.inputs[0]) if border is not None and isinstance(border.op, Dequantize) else value
        for value, border in zip(values, borders, strict=True)
    )
    if len({_is_narrow(b, value) for value in found}) == 1:
        return found
    return tuple(
        value if b.q_of(value) is None else b.step(Dequantize(), [value], f"{value}/real", None) for value in values
    )


def _is_narrow(b: Builder, value: str) -> bool:
    q = b.q_of(value)
    return q is not None and q.integers is DType.INT8
