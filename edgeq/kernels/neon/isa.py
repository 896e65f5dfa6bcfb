"""Features that the rows need."""

NEON = frozenset({"neon"})
DOTPROD = frozenset({"dotprod"})
