"""Where every tensor lies: one arena, its offsets found when the model is compiled, each plan proved by a checker."""

from edgeq.memory.check import check
from edgeq.memory.liveness import Span, liveness, storage
from edgeq.memory.planner import Arrangement, arrange, plan
from edgeq.memory.schedule import ALIGNMENT, Plan, Read, Schedule, Step

__all__ = [
    "ALIGNMENT",
    "Arrangement",
    "Plan",
    "Read",
    "Schedule",
    "Span",
    "Step",
    "arrange",
    "check",
    "liveness",
    "plan",
    "storage",
]
