"""Post-training quantization: from a float graph and calibration data to an integer graph."""

from typing import TYPE_CHECKING

from edgeq.lazy import lazy

if TYPE_CHECKING:
    from edgeq.quantize.config import LayerConfig, QuantConfig
    from edgeq.quantize.pipeline import Quantized, quantize, run
    from edgeq.quantize.statistics import Calibration

__all__ = ["Calibration", "LayerConfig", "QuantConfig", "Quantized", "quantize", "run"]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "edgeq.quantize.config": "LayerConfig QuantConfig",
        "edgeq.quantize.pipeline": "Quantized quantize run",
        "edgeq.quantize.statistics": "Calibration",
    },
)
