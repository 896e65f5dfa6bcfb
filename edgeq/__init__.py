"""edgeq: quantize neural networks and generate verified C for small processors."""

__version__ = "0.1.0"
