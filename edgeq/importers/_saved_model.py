"""Which operations a SavedModel may run when it is loaded and converted: those that compute, and its variables'.

Loading a SavedModel runs its initializers, and converting it runs what is constant. TensorFlow has operations that
write, read and delete files, open connections and call Python. So the graphs are read before TensorFlow runs them, and
whatever can be reached from a function or a signature has to be in this table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

ARITHMETIC = """
    Abs AccumulateNV2 Acos Acosh Add AddN AddV2 All Angle Any ApproximateEqual ArgMax ArgMin Asin Asinh Atan
    Atan2 Atanh BatchMatMul BatchMatMulV2 BatchMatMulV3 Betainc Bincount BitwiseAnd BitwiseOr BitwiseXor
    Bucketize Cast Ceil CheckNumerics ClipByValue Complex ComplexAbs Conj Cos Cosh Cross Cumprod Cumsum
    CumulativeLogsumexp Digamma Div DivNoNan Einsum Equal Erf Erfc Erfinv EuclideanNorm Exp Expm1 Floor FloorDiv
    FloorMod Greater GreaterEqual Imag Inv Invert IsFinite IsInf IsNan LeftShift Less LessEqual Lgamma LinSpace
    Log Log1p LogicalAnd LogicalNot LogicalOr MatMul Max Maximum Mean Min Minimum Mod Mul MulNoNan Neg NextAfter
    NotEqual Pow Prod Range Real RealDiv Reciprocal RightShift Rint Round Rsqrt SegmentMax SegmentMean
    SegmentMin SegmentProd SegmentSum Sigmoid Sign Sin Sinh Sqrt Square SquaredDifference Sub Sum Tan Tanh
    TruncateDiv TruncateMod UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum Xdivy
    Xlog1py Xlogy
"""
LAYERS = """
    AvgPool AvgPool3D BatchNormWithGlobalNormalization BiasAdd BiasAddV1 BlockLSTM BlockLSTMV2 Conv Conv2D
    Conv2DBackpropInput Conv2DBackpropInputV2 Conv3D Conv3DBackpropInput Conv3DBackpropInputV2 CropAndResize
    DepthwiseConv2dNative Dilation2D Elu FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars
    FakeQuantWithMinMaxVarsPerChannel FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 GRUBlockCell L2Loss LRN
    LSTMBlockCell LeakyRelu LogSoftmax MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax QuantizeAndDequantize
    QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 Relu Relu6 Selu Softmax
    SoftmaxCrossEntropyWithLogits Softplus Softsign TopK TopKV2 ApproxTopK InTopK InTopKV2 NthElement
    CombinedNonMaxSuppression NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3 NonMaxSuppressionV4
    NonMaxSuppressionV5 ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor ScaleAndTranslate
    AdjustContrastv2 AdjustHue AdjustSaturation HSVToRGB RGBToHSV ImageProjectiveTransformV2
    ImageProjectiveTransformV3 ExtractImagePatches ExtractVolumePatches AudioSpectrogram Mfcc FFT FFT2D FFT3D
    IFFT IFFT2D IFFT3D IRFFT IRFFT2D RFFT RFFT2D
"""
MOVEMENT = """
    BatchToSpace BatchToSpaceND Bitcast BroadcastArgs BroadcastTo Concat ConcatOffset ConcatV2
    ConjugateTranspose Const DepthToSpace Diag DiagPart DynamicPartition DynamicStitch Empty EnsureShape
    ExpandDims Fill Gather GatherNd GatherV2 GuaranteeConst Identity IdentityN InvertPermutation ListDiff
    LowerBound MatrixBandPart MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2
    MatrixDiagV3 MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MirrorPad NoOp OneHot OnesLike Pack Pad PadV2
    ParallelConcat ParallelDynamicStitch Placeholder PlaceholderV2 PlaceholderWithDefault PreventGradient Rank
    Reshape Reverse ReverseSequence ReverseV2 Roll ScatterNd Select SelectV2 Shape ShapeN Size Slice Snapshot
    SpaceToBatch SpaceToBatchND SpaceToDepth Split SplitV Squeeze StopGradient StridedSlice TensorScatterAdd
    TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate TensorStridedSliceUpdate Tile
    Transpose Unique UniqueV2 Unpack UnravelIndex UpperBound Where ZerosLike
"""
CONTROL = """
    Assert Case ControlTrigger Enter Exit FakeParam If LoopCond Merge NextIteration PartitionedCall RefEnter
    RefExit RefIdentity RefMerge RefNextIteration RefSelect RefSwitch StatefulPartitionedCall StatelessCase
    StatelessIf StatelessWhile Switch While EmptyTensorList TensorListConcat TensorListConcatLists
    TensorListConcatV2 TensorListElementShape TensorListFromTensor TensorListGather TensorListGetItem
    TensorListLength TensorListPopBack TensorListPushBack TensorListReserve TensorListResize TensorListScatter
    TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem TensorListSplit TensorListStack
    TensorArrayCloseV3 TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayReadV3 TensorArrayScatterV3
    TensorArraySizeV3 TensorArraySplitV3 TensorArrayV3 TensorArrayWriteV3
"""
VARIABLES = """
    Assign AssignAdd AssignAddVariableOp AssignSub AssignSubVariableOp AssignVariableOp DestroyResourceOp
    DisableCopyOnRead IsVariableInitialized ReadVariableOp ResourceGather ResourceGatherNd ResourceScatterAdd
    ResourceScatterNdUpdate ResourceScatterUpdate VarHandleOp VarIsInitializedOp Variable VariableShape
    VariableV2 RestoreV2 ShardedFilename StaticRegexFullMatch StringJoin
"""
"""RestoreV2 and the three after it read the SavedModel's own variables; in older files that is part of the graph."""
RANDOM = """
    Multinomial NonDeterministicInts RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt
    RngReadAndSkip RngSkip StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniform StatefulUniformInt
    StatelessMultinomial StatelessRandomGetAlg StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg
    StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomUniform StatelessRandomUniformFullInt
    StatelessRandomUniformFullIntV2 StatelessRandomUniformInt StatelessRandomUniformIntV2
    StatelessRandomUniformV2 StatelessTruncatedNormal StatelessTruncatedNormalV2 TruncatedNormal
"""
"""Of layers that do something in training alone, such as dropout."""
OPERATIONS = frozenset((ARITHMETIC + LAYERS + MOVEMENT + CONTROL + VARIABLES + RANDOM).split())
INITIALIZERS = ("saved_model_main_op", "legacy_init_op")
"""Collections of older files that name what is run at loading."""

Graph = Any
"""A message of TensorFlow: MetaGraphDef, GraphDef, NodeDef and so on."""


def complaint(model: Any) -> str | None:
    """What a SavedModel would run that is not taken, in words, or None.

    Args:
        model: the message SavedModel.
    """
    if not model.meta_graphs:
        return "no graph"
    # As TensorFlow's own loader distinguishes them.
    functional = len(model.meta_graphs) == 1 and model.meta_graphs[0].HasField("object_graph_def")
    for graph in model.meta_graphs:
        library = {function.signature.name: function for function in graph.graph_def.library.function}
        if functional:
            names = list(graph.object_graph_def.concrete_functions)
            names += [n.bare_concrete_function.concrete_function_name for n in graph.object_graph_def.nodes]
            found = _in_functions(names, library)
        else:
            found = _in_graph(graph, library)
        if found is not None:
            return found
    return None


def _in_functions(names: Iterable[str], library: Mapping[str, Any]) -> str | None:
    """What functions hold that is not taken, and the functions that they call."""
    waiting, seen = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in library:
            continue
        seen.add(name)
        for node in library[name].node_def:
            if node.op not in OPERATIONS and node.op not in library:
                return f"the operation {node.op[:80]} (in the function {name[:80]})"
            waiting.extend(_called(node))
    return None


def _called(node: Any) -> Iterator[str]:
    """Functions that an operation calls."""
    yield node.op
    for attribute in node.attr.values():
        yield attribute.func.name
        yield from (function.name for function in attribute.list.func)


def _in_graph(graph: Any, library: Mapping[str, Any]) -> str | None:
    """What is run of the graph of an older file: its variables are restored, it is initialized, it has signatures."""
    nodes = {node.name: node for node in graph.graph_def.node}
    roots = [graph.saver_def.restore_op_name, graph.saver_def.filename_tensor_name]
    for signature in graph.signature_def.values():
        roots += [tensor.name for tensor in (*signature.outputs.values(), *signature.inputs.values())]
        for tensor in (*signature.outputs.values(), *signature.inputs.values()):
            sparse = tensor.coo_sparse
            roots += [sparse.values_tensor_name, sparse.indices_tensor_name, sparse.dense_shape_tensor_name]
            roots += [component.name for component in tensor.composite_tensor.components]
    for key in INITIALIZERS:
        roots += list(graph.collection_def[key].node_list.value) if key in graph.collection_def else []
    waiting, seen = [_node(root) for root in roots], set[str]()
    functions: list[str] = []
    while waiting:
        name = waiting.pop()
        if name in seen or name not in nodes:
            continue
        seen.add(name)
        node = nodes[name]
        if node.op not in OPERATIONS and node.op not in library:
            return f"the operation {node.op[:80]} ({name[:80]})"
        functions.extend(_called(node))
        waiting.extend(_node(source) for source in node.input)
    return _in_functions(functions, library)


def _node(reference: str) -> str:
    """The node of a reference such as "^name" or "name:1"."""
    return reference.removeprefix("^").split(":", 1)[0]
