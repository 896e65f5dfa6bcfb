"""What the user may choose about quantization."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from fnmatch import fnmatchcase
from typing import Annotated, Any

from edgeq.errors import UsageError
from edgeq.options import Document, Option, Section, choice, read_table
from edgeq.options.kind import BOUNDS, INTEGER, NAMES, NUMBER, ON, counts


class Weights(Enum):
    """Whether weights have one scale per output channel or one per tensor."""

    PER_CHANNEL = "per-channel"
    PER_TENSOR = "per-tensor"


class WeightScale(Enum):
    """How a weight scale is found: from the greatest magnitude, for the least squared error, or for most weights, with
    some that may be far off."""

    MAX = "max"
    MSE = "mse"
    HQQ = "hqq"


class WeightRounding(Enum):
    """How weights are rounded: each to the nearest integer, or so that a layer's sums change least, column by column,
    by learning, or by changing one weight after the other."""

    NEAREST = "nearest"
    HESSIAN = "hessian"
    ADAROUND = "adaround"
    DESCENT = "descent"


class Activations(Enum):
    """Whether activations have a zero-point of their own or zero_point = 0."""

    ASYMMETRIC = "asymmetric"
    SYMMETRIC = "symmetric"


class ObserverKind(Enum):
    """How the range of an activation is found from calibration data (see edgeq.quantize.observers)."""

    MIN_MAX = "min-max"
    MOVING_AVERAGE = "moving-average"
    PERCENTILE = "percentile"
    MSE = "mse"
    ENTROPY = "entropy"
    AUTO = "auto"


SINGLE_OBSERVERS = tuple(kind for kind in ObserverKind if kind is not ObserverKind.AUTO)
"""Those that do not choose among others."""
OBSERVER = choice(ObserverKind, {"auto": "for each tensor the one that is best for the model's outputs"}, "O")
ACTIVATIONS = choice(Activations, metavar="A")
WEIGHTS = choice(Weights, metavar="W")
WEIGHT_SCALE = choice(
    WeightScale, {"max": "nothing is clipped", "mse": "least squared error", "hqq": "near to most weights"}, "S"
)
POWERS_OF_TWO = "powers-of-two"
WEIGHT_BITS = counts(
    (8, 4, 3, 2, "ternary", "binary", "codebook-16", "codebook-4", POWERS_OF_TWO, "trellis-2"),
    {
        "ternary": "−1, 0 or 1",
        "binary": "−1 or 1",
        "codebook-16": "4 bits each, for integers of a table that each layer has",
        "codebook-4": "2 bits likewise",
        POWERS_OF_TWO: "4 bits: 0, and ±1 to ±64",
        "trellis-2": "2 bits, for one of 256 integers with those of the three weights before; fully connected layers",
    },
)
ACTIVATION_BITS = counts((8, 16))
FLOAT_WEIGHT_BITS = counts(
    (32, 16, 8, 4, 3, 2, "ternary", "binary"), {16: "float16", "ternary": "−1, 0 or 1", "binary": "−1 or 1"}
)
GROUPS = counts((0, 32, 64, 128), {0: "one scale for each output channel"})
ROUNDING = choice(
    WeightRounding,
    {
        "nearest": "each to the nearest integer",
        "hessian": "for the least error of a layer's sums on the samples",
        "adaround": "likewise, learned by gradients",
        "descent": "likewise, from the nearest on one after the other",
    },
    "R",
)
QUANTIZING = ("build", "quantize")
"""Commands that quantize."""
SEARCHING = (*QUANTIZING, "search")
"""Those, and the one that decides how many bits weights have."""
FITTING = (*QUANTIZING, "boards")
"""Those, and the one that knows how large a program is."""
REST = "as the rest"


@dataclass(frozen=True)
class LayerConfig:
    """What one layer does differently; None for what it does as the others.

    `pattern` is the name of a node or of a graph input, or a glob of names.
    """

    pattern: str
    observer: Annotated[
        ObserverKind | None, Option("How ranges of the layer's outputs are found", OBSERVER, default=REST)
    ] = None
    activations: Annotated[Activations | None, Option("Of the layer's outputs", ACTIVATIONS, default=REST)] = None
    weights: Annotated[Weights | None, Option("Of the layer's weights", WEIGHTS, default=REST)] = None
    weight_scale: Annotated[WeightScale | None, Option("Of the layer's weights", WEIGHT_SCALE, default=REST)] = None
    range: Annotated[
        tuple[float, float] | None,
        Option(
            "Least and greatest real value of the layer's outputs, for which no calibration is needed then",
            BOUNDS,
            default="calibrated",
        ),
    ] = None
    equalize: Annotated[bool | None, Option("Whether the layer takes part", ON, default=REST)] = None
    bias_correction: Annotated[bool | None, Option("Whether the layer takes part", ON, default=REST)] = None
    weight_bits: Annotated[int | str | None, Option("Bits of the layer's weights", WEIGHT_BITS, default=REST)] = None
    rounding: Annotated[WeightRounding | None, Option("Of the layer's weights", ROUNDING, default=REST)] = None
    activation_bits: Annotated[int | None, Option("Bits of the layer's outputs", ACTIVATION_BITS, default=REST)] = None
    real: Annotated[
        bool | None, Option("Whether the layer stays in float32", ON, key="float", default="if --float names it")
    ] = None
    float_weight_bits: Annotated[
        int | str | None, Option("Bits of the layer's weights if it is float32", FLOAT_WEIGHT_BITS, default=REST)
    ] = None
    weight_group: Annotated[
        int | None, Option("Inputs of the layer whose weights share a scale", GROUPS, default=REST)
    ] = None
    weight_zero_points: Annotated[bool | None, Option("Whether the layer's weights have some", ON, default=REST)] = None
    dynamic: Annotated[bool | None, Option("Whether its activations are quantized there", ON, default=REST)] = None
    smooth: Annotated[bool | None, Option("Whether the layer takes part", ON, default=REST)] = None
    learn_ranges: Annotated[
        bool | None, Option("Whether ranges of the layer's outputs are learned", ON, default=REST)
    ] = None
    outliers: Annotated[
        int | None, Option("Channels of the layer's input that may be computed apart", INTEGER, default=REST)
    ] = None
    rotate: Annotated[bool | None, Option("Whether the layer takes part", ON, default=REST)] = None
    reconstruct: Annotated[bool | None, Option("Whether the layer's weights are learned", ON, default=REST)] = None


@dataclass(frozen=True)
class QuantConfig:
    """How a float model becomes int8. The defaults gave the best results in measurements (docs/quantization.md)."""

    weights: Annotated[
        Weights, Option("Weight scales, for each output channel or for the tensor", WEIGHTS, SEARCHING)
    ] = Weights.PER_CHANNEL
    weight_scale: Annotated[WeightScale, Option("How weight scales are found", WEIGHT_SCALE)] = WeightScale.MSE
    activations: Annotated[Activations, Option("Activations with or without a zero-point", ACTIVATIONS, SEARCHING)] = (
        Activations.ASYMMETRIC
    )
    observer: Annotated[ObserverKind, Option("How ranges are found", OBSERVER, SEARCHING)] = ObserverKind.MIN_MAX
    percentile: Annotated[
        float,
        Option("The observer percentile clips what is above this percentile, and below 100 minus it", NUMBER),
    ] = 99.99
    momentum: Annotated[float, Option("Weight of the past in the observer moving-average", NUMBER)] = 0.9
    bins: Annotated[int, Option("Least resolution of histograms, in bins over the observed range", INTEGER)] = 2048
    bias_correction: Annotated[
        bool,
        Option("Shifts of the mean are measured and taken out of the biases (from 16 samples on)", ON),
    ] = True
    equalize: Annotated[
        bool,
        Option("Channels of unequal range are scaled to each other between layers, which changes nothing else", ON),
    ] = True
    layers: Annotated[
        tuple[LayerConfig, ...],
        Section("Exceptions for layers by name or glob; the first that fits a layer counts.", LayerConfig, "pattern"),
    ] = ()
    weight_bits: Annotated[
        int | str,
        Option(
            "Bits of a weight in layers that have kernels for so few: convolutions and fully connected layers",
            WEIGHT_BITS,
            FITTING,
        ),
    ] = 8
    activation_bits: Annotated[
        int,
        Option(
            "Bits of an activation; operators without arithmetic for 16 keep 8, with a conversion beside them",
            ACTIVATION_BITS,
            (*FITTING, "search"),
        ),
    ] = 8
    rounding: Annotated[
        WeightRounding | None,
        Option(
            "How weights are rounded",
            ROUNDING,
            QUANTIZING,
            default="hessian beside fewer or more bits than 8, and the observer auto",
        ),
    ] = None
    real: Annotated[
        tuple[str, ...],
        Option(
            "Keep layers of this name, or of names like it (conv_*), in float32",
            NAMES,
            FITTING,
            flag="--float",
            key="float",
            metavar="LAYER",
            default="the float parts of a quantized .tflite",
        ),
    ] = ()
    no_float: Annotated[bool, Option("Refuse a model of which layers stay in float32", ON, QUANTIZING)] = False
    float_weight_bits: Annotated[
        int | str,
        Option(
            "Bits of a weight of layers in float32, which compute with real numbers all the same",
            FLOAT_WEIGHT_BITS,
            FITTING,
        ),
    ] = 32
    weight_group: Annotated[
        int,
        Option(
            "Neighbouring inputs of a fully connected layer whose weights share a scale; in float32 of others, too, "
            "with --float-weight-bits 8 or less",
            GROUPS,
            FITTING,
        ),
    ] = 0
    weight_zero_points: Annotated[
        bool,
        Option(
            "Groups of weights of 4, 3 or 2 bits have a zero-point, too, without --weight-group those of an output "
            "channel; in fully connected layers",
            ON,
            FITTING,
        ),
    ] = False
    dynamic: Annotated[
        bool,
        Option(
            "With --float-weight-bits 8 or less: each row of activations is quantized to int8 at run time, by its "
            "greatest magnitude",
            ON,
            FITTING,
        ),
    ] = False
    smooth: Annotated[
        bool,
        Option("Channels of what several layers or those behind normalizations read are scaled to each other", ON),
    ] = False
    learn_ranges: Annotated[
        bool, Option("Ranges are narrowed and widened as long as the outputs come nearer to float; takes minutes", ON)
    ] = False
    outliers: Annotated[
        int,
        Option(
            "Channels far greater than others, at most so many of a tensor between two layers with a function, are "
            "computed apart",
            INTEGER,
        ),
    ] = 0
    rotate: Annotated[
        bool,
        Option("Channels between layers with normalizations are mixed by Hadamard matrices, merged into weights", ON),
    ] = False
    reconstruct: Annotated[
        bool,
        Option("Rounded weights of a few layers are learned together, for the outputs of these; takes minutes", ON),
    ] = False

    @property
    def is_symmetric(self) -> bool:
        """Whether activations have zero-point 0."""
        return self.activations is Activations.SYMMETRIC or self.activation_bits == 16

    @property
    def chosen_rounding(self) -> WeightRounding:
        """How weights are rounded."""
        if self.rounding is not None:
            return self.rounding
        few_or_many = self.weight_bits != 8 or self.activation_bits == 16
        hessian = few_or_many or self.observer is ObserverKind.AUTO
        return WeightRounding.HESSIAN if hessian else WeightRounding.NEAREST

    @property
    def rounds_by_sums(self) -> bool:
        """Whether weights are rounded for the least error of a layer's sums."""
        return self.chosen_rounding is not WeightRounding.NEAREST

    def __post_init__(self) -> None:
        if not 50.0 < self.percentile <= 100.0:
            raise UsageError(f"percentile = {self.percentile} is not in (50, 100]", where="[quantize]")
        if not 0.0 <= self.momentum < 1.0:
            raise UsageError(f"momentum = {self.momentum} is not in [0, 1)", where="[quantize]")
        for where, count in (("", self.outliers), *((f'.layers."{e.pattern}"', e.outliers or 0) for e in self.layers)):
            if count < 0:
                raise UsageError(f"outliers = {count} is less than 0", where=f"[quantize{where}]")
        if not 256 <= self.bins <= 1 << 20:
            raise UsageError(f"bins = {self.bins} is not in 256 … 1048576", where="[quantize]")

    def layer(self, name: str) -> LayerConfig | None:
        """The exception that holds for the node or graph input `name`, or None."""
        return next((entry for entry in self.layers if fnmatchcase(name, entry.pattern)), None)

    def stays_real(self, name: str) -> bool:
        """Whether the node `name` is to stay in float32."""
        exception = next((e.real for e in self.layers if e.real is not None and fnmatchcase(name, e.pattern)), None)
        return any(fnmatchcase(name, p) for p in self.real) if exception is None else exception

    def for_layer(self, name: str) -> QuantConfig:
        """This configuration with the exception for `name` applied, except for its range."""
        exception = self.layer(name)
        if exception is None:
            return self
        return replace(
            self,
            observer=exception.observer or self.observer,
            activations=exception.activations or self.activations,
            weights=exception.weights or self.weights,
            weight_scale=exception.weight_scale or self.weight_scale,
            equalize=self.equalize if exception.equalize is None else exception.equalize,
            bias_correction=self.bias_correction if exception.bias_correction is None else exception.bias_correction,
            smooth=self.smooth if exception.smooth is None else exception.smooth,
            learn_ranges=self.learn_ranges if exception.learn_ranges is None else exception.learn_ranges,
            outliers=self.outliers if exception.outliers is None else exception.outliers,
            rotate=self.rotate if exception.rotate is None else exception.rotate,
            reconstruct=self.reconstruct if exception.reconstruct is None else exception.reconstruct,
            weight_bits=exception.weight_bits or self.weight_bits,
            rounding=exception.rounding or self.rounding,
            activation_bits=exception.activation_bits or self.activation_bits,
            float_weight_bits=exception.float_weight_bits or self.float_weight_bits,
            weight_group=self.weight_group if exception.weight_group is None else exception.weight_group,
            weight_zero_points=(
                self.weight_zero_points if exception.weight_zero_points is None else exception.weight_zero_points
            ),
            dynamic=self.dynamic if exception.dynamic is None else exception.dynamic,
        )

    @staticmethod
    def from_dict(table: Mapping[str, Any]) -> QuantConfig:
        """Read the table `[quantize]` of an edgeq.toml; its sub-tables `layers."pattern"` are the exceptions.

        Raises:
            UsageError: an unknown key, or a value of the wrong kind.
        """
        return read_table(QuantConfig, table, Document(path=("quantize",)))
