"""Features that the rows need."""

MVE = frozenset({"mve"})
