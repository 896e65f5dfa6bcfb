"""Post-training quantization: from a float graph and calibration data to an integer graph."""

from edgeq.quantize.config import LayerConfig, QuantConfig
from edgeq.quantize.convert import quantize
from edgeq.quantize.equalization import equalize

__all__ = ["LayerConfig", "QuantConfig", "equalize", "quantize"]
