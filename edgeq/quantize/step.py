"""What the steps of quantization have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType, QParams
from edgeq.numerics.fixedpoint import Numerics
from edgeq.quantize.calibrate import LEAST_SAMPLES, Progress, Samples, Wanted, layers_with_bias, measure, not_calibrated
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.solver import Group
from edgeq.quantize.statistics import Calibration, Statistics


@dataclass(frozen=True, eq=False)
class Draft:
    """A model on its way from float to integers: what a step takes, and returns with something changed.

    Attributes:
        config: what the user chose.
        numerics: the arithmetic of the integer graph to be.
        graph: the model as it is now: float, then with a Requantize for every change of scale, then integer.
        reference: the float model that the integers stand for.
        samples: real values of the inputs; None where there are none.
        calibration: what is known of the model's activations.
        groups: activations that share parameters, once `graph` is ready for that.
        parameters: of every activation, once they are chosen.
        progress: called with the samples measured and the samples in all.
    """

    config: QuantConfig
    numerics: Numerics
    graph: Graph
    reference: Graph
    samples: Samples | None
    calibration: Calibration
    groups: tuple[Group, ...] = ()
    parameters: Mapping[str, QParams] = field(default_factory=dict)
    progress: Progress | None = None

    @property
    def types(self) -> dict[str, DType]:
        """The element type of every activation of `graph` that becomes an integer, from `solve` on."""
        return {name: group.dtype for group in self.groups for name in group.members}

    @property
    def statistics(self) -> Statistics | None:
        """What is known of `reference`."""
        return self.calibration.of(self.reference)

    @property
    def measurable(self) -> bool:
        """Whether `reference` was measured, or there are samples to do it with."""
        return self.samples is not None or self.statistics is not None

    def corrected(self) -> dict[str, tuple[int, ...]]:
        """Nodes of `reference`, and those of their biases that are to be corrected to the float model's mean sums."""
        if self.samples is None or len(self.samples) < LEAST_SAMPLES:
            return {}
        layers = layers_with_bias(self.reference)
        return {name: at for name, at in layers.items() if self.config.for_layer(name).bias_correction}

    @property
    def mean_samples(self) -> int:
        """From how many samples the layers' mean sums are needed; 0: no bias will be corrected."""
        return len(self.samples) if self.samples is not None and self.corrected() else 0

    def measured(self, wanted: Wanted) -> Draft:
        """The draft after measuring what is wanted of `reference`, unless that is known.

        Raises:
            QuantizationError: it is neither known nor are there samples.
            UsageError: a sample does not fit the inputs.
        """
        known = self.statistics
        if known is not None and wanted.met_by(known):
            return self
        if self.samples is None:
            raise not_calibrated(wanted.lacking(known))
        found = measure(self.reference, self.samples, wanted, self.progress)
        if known is not None and not wanted.lacking(known):
            found = replace(known, means=found.means, means_of=found.means_of)
        return replace(self, calibration=self.calibration.knowing(found))

    def rescaled(self, graph: Graph, statistics: Statistics) -> Draft:
        """The draft with a float model that computes the same by other weights, and what is known of that.

        What was measured of that very model before is kept.
        """
        measured = self.calibration.of(graph)
        calibration = self.calibration if measured is not None else self.calibration.knowing(statistics)
        return replace(self, graph=graph, reference=graph, calibration=calibration)


def always(draft: Draft) -> bool:
    """The condition of steps that no option turns off."""
    return True


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        name: what the user sees.
        apply: the function that performs it.
        applies: whether the user wants it, and it has anything to do.
    """

    name: str
    apply: Callable[[Draft], Draft]
    applies: Callable[[Draft], bool] = always
