"""Which options of which operators are read, and from which table of the schema."""

from __future__ import annotations

WINDOW = ("Padding", "StrideH", "StrideW", "FusedActivationFunction")
FUSED = ("FusedActivationFunction",)
ALIGN = ("AlignCorners", "HalfPixelCenters")
MASKS = ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask", "Offset")

LOOP_GRAPHS = ("CondSubgraphIndex", "BodySubgraphIndex")

OPTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "CONV_2D": ("Conv2DOptions", (*WINDOW, "DilationHFactor", "DilationWFactor")),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", (*WINDOW, "DilationHFactor", "DilationWFactor")),
    "TRANSPOSE_CONV": ("TransposeConvOptions", WINDOW),
    "FULLY_CONNECTED": ("FullyConnectedOptions", (*FUSED, "WeightsFormat", "KeepNumDims")),
    "BATCH_MATMUL": ("BatchMatMulOptions", ("AdjX", "AdjY")),
    "ADD": ("AddOptions", (*FUSED, "PotScaleInt16")),
    "SUB": ("SubOptions", (*FUSED, "PotScaleInt16")),
    "MUL": ("MulOptions", FUSED),
    "DIV": ("DivOptions", FUSED),
    "AVERAGE_POOL_2D": ("Pool2DOptions", (*WINDOW, "FilterHeight", "FilterWidth")),
    "MAX_POOL_2D": ("Pool2DOptions", (*WINDOW, "FilterHeight", "FilterWidth")),
    "L2_POOL_2D": ("Pool2DOptions", (*WINDOW, "FilterHeight", "FilterWidth")),
    "MEAN": ("ReducerOptions", ("KeepDims",)),
    "SUM": ("ReducerOptions", ("KeepDims",)),
    "REDUCE_MAX": ("ReducerOptions", ("KeepDims",)),
    "REDUCE_MIN": ("ReducerOptions", ("KeepDims",)),
    "REDUCE_PROD": ("ReducerOptions", ("KeepDims",)),
    "REDUCE_ANY": ("ReducerOptions", ("KeepDims",)),
    "REDUCE_ALL": ("ReducerOptions", ("KeepDims",)),
    "CUMSUM": ("CumsumOptions", ("Exclusive", "Reverse")),
    "LOCAL_RESPONSE_NORMALIZATION": ("LocalResponseNormalizationOptions", ("Radius", "Bias", "Alpha", "Beta")),
    "CONV_3D": (
        "Conv3DOptions",
        (*WINDOW, "StrideD", "DilationDFactor", "DilationHFactor", "DilationWFactor"),
    ),
    "REVERSE_SEQUENCE": ("ReverseSequenceOptions", ("SeqDim", "BatchDim")),
    "ONE_HOT": ("OneHotOptions", ("Axis",)),
    "L2_NORMALIZATION": ("L2NormOptions", FUSED),
    "SOFTMAX": ("SoftmaxOptions", ("Beta",)),
    "LEAKY_RELU": ("LeakyReluOptions", ("Alpha",)),
    "GELU": ("GeluOptions", ("Approximate",)),
    "CONCATENATION": ("ConcatenationOptions", ("Axis", *FUSED)),
    "PACK": ("PackOptions", ("Axis",)),
    "UNPACK": ("UnpackOptions", ("Axis",)),
    "STRIDED_SLICE": ("StridedSliceOptions", MASKS),
    "MIRROR_PAD": ("MirrorPadOptions", ("Mode",)),
    "GATHER": ("GatherOptions", ("Axis", "BatchDims")),
    "RESIZE_NEAREST_NEIGHBOR": ("ResizeNearestNeighborOptions", ALIGN),
    "RESIZE_BILINEAR": ("ResizeBilinearOptions", ALIGN),
    "DEPTH_TO_SPACE": ("DepthToSpaceOptions", ("BlockSize",)),
    "SPACE_TO_DEPTH": ("SpaceToDepthOptions", ("BlockSize",)),
    "LSTM": ("LSTMOptions", (*FUSED, "CellClip", "ProjClip", "KernelType")),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (
        "UnidirectionalSequenceLSTMOptions",
        (*FUSED, "CellClip", "ProjClip", "TimeMajor"),
    ),
    "BIDIRECTIONAL_SEQUENCE_LSTM": (
        "BidirectionalSequenceLSTMOptions",
        (*FUSED, "CellClip", "ProjClip", "MergeOutputs", "TimeMajor"),
    ),
    "SVDF": ("SVDFOptions", (*FUSED, "Rank")),
    "WHILE": ("WhileOptions", LOOP_GRAPHS),
    "RESHAPE": ("ReshapeOptions", ("NewShapeAsNumpy",)),
    "CALL_ONCE": ("CallOnceOptions", ("InitSubgraphIndex",)),
    "VAR_HANDLE": ("VarHandleOptions", ("Container", "SharedName")),
    "SQUEEZE": ("SqueezeOptions", ("SqueezeDimsAsNumpy",)),
}
"""Operator → (table, accessors). An operator that is not here has no option that changes its result."""

CUSTOM: dict[str, tuple[str, ...]] = {
    "CUSTOM CIRCULAR_BUFFER": ("cycles_max",),
    "CUSTOM SignalDelay": ("delay_length",),
    "CUSTOM SignalWindow": ("shift",),
    "CUSTOM SignalRfft": ("fft_length",),
    "CUSTOM SignalIrfft": ("fft_length",),
    "CUSTOM SignalFramer": ("frame_size", "frame_step", "prefill"),
    "CUSTOM SignalStacker": ("num_channels", "stacker_left_context", "stacker_right_context", "stacker_step"),
    "CUSTOM SignalOverlapAdd": ("frame_step",),
    "CUSTOM SignalEnergy": ("start_index", "end_index"),
    "CUSTOM SignalFilterBankSpectralSubtraction": (
        *("alternate_one_minus_smoothing", "alternate_smoothing", "clamping", "min_signal_remaining"),
        *("one_minus_smoothing", "smoothing", "smoothing_bits", "spectral_subtraction_bits"),
    ),
    "CUSTOM SignalPCAN": ("snr_shift",),
    "CUSTOM SignalFilterBankLog": ("input_correction_bits", "output_scale"),
    "CUSTOM TFLite_Detection_PostProcess": (
        *("max_detections", "max_classes_per_detection", "detections_per_class", "num_classes", "use_regular_nms"),
    ),
    "CUSTOM PosenetDecoderOp": ("max_detections", "stride"),
}
"""Custom operator → the integers that are read from the map which its options are; one that is absent is 0, if
`CUSTOM_USUAL` says nothing else."""
CUSTOM_USUAL = {"detections_per_class": 100}
CUSTOM_REAL: dict[str, tuple[str, ...]] = {
    "CUSTOM TFLite_Detection_PostProcess": (
        *("nms_score_threshold", "nms_iou_threshold", "y_scale", "x_scale", "h_scale", "w_scale"),
    ),
    "CUSTOM PosenetDecoderOp": ("score_threshold", "nms_radius"),
}
"""Custom operator → the numbers of such a map that may have a fraction; one that is absent is 0."""
CUSTOM_WORDS: dict[str, tuple[str, ...]] = {
    "CUSTOM Convolution2DTransposeBias": ("Padding", "StrideW", "StrideH"),
}
"""Custom operator → the 32-bit integers that its options begin with."""
