"""Features that the rows need: Armv6-M has "thumb", Armv7-M also "thumb2"."""

THUMB = frozenset({"thumb"})
THUMB2 = frozenset({"thumb2"})
DSP = frozenset({"dsp"})
"""What rows of narrow weights leave to others: their kernels for bytes are faster than these."""
