"""Post-training quantization: from a float graph and calibration data to an integer graph."""

from edgeq.quantize.config import LayerConfig, QuantConfig
from edgeq.quantize.pipeline import Quantized, quantize, run
from edgeq.quantize.statistics import Calibration

__all__ = ["Calibration", "LayerConfig", "QuantConfig", "Quantized", "quantize", "run"]
