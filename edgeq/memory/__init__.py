"""Where every tensor lies: offsets in an arena, decided when the model is compiled, every plan proved by a checker."""

from edgeq.memory.blocks import scratch_name
from edgeq.memory.bound import Needs, needs
from edgeq.memory.check import check
from edgeq.memory.homes import Home, Homes, shared_homes, whole_homes
from edgeq.memory.liveness import Piece, Span, liveness, pieces, storage
from edgeq.memory.planner import Arrangement, arrange, plan
from edgeq.memory.rooms import Divided, Room, Share, divide
from edgeq.memory.schedule import ALIGNMENT, Part, Plan, Read, Schedule, Step, aligned

__all__ = [
    "ALIGNMENT",
    "Arrangement",
    "Divided",
    "Home",
    "Homes",
    "Needs",
    "Part",
    "Piece",
    "Plan",
    "Read",
    "Room",
    "Schedule",
    "Share",
    "Span",
    "Step",
    "aligned",
    "arrange",
    "check",
    "divide",
    "liveness",
    "needs",
    "pieces",
    "plan",
    "scratch_name",
    "shared_homes",
    "storage",
    "whole_homes",
]
