"""Features that the rows need."""

DSP = frozenset({"dsp"})
