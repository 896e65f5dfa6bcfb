"""Features that the rows need."""

DSP = frozenset({"simd32"})
