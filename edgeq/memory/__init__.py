"""Where every tensor lies: one arena, offsets decided when the model is compiled, every plan proved by a checker."""

from edgeq.memory.bound import Needs, needs
from edgeq.memory.check import check
from edgeq.memory.homes import Home, Homes, shared_homes, whole_homes
from edgeq.memory.liveness import Piece, Span, liveness, pieces, storage
from edgeq.memory.planner import Arrangement, arrange, plan
from edgeq.memory.schedule import ALIGNMENT, Part, Plan, Read, Schedule, Step, aligned

__all__ = [
    "ALIGNMENT",
    "Arrangement",
    "Home",
    "Homes",
    "Needs",
    "Part",
    "Piece",
    "Plan",
    "Read",
    "Schedule",
    "Span",
    "Step",
    "aligned",
    "arrange",
    "check",
    "liveness",
    "needs",
    "pieces",
    "plan",
    "shared_homes",
    "storage",
    "whole_homes",
]
