"""Getting programs into boards: by debuggers, boot loaders and drives."""

from typing import TYPE_CHECKING

from edgeq.lazy import lazy

if TYPE_CHECKING:
    from edgeq.flashers.flasher import Flasher, Image, Plan, Step
    from edgeq.flashers.table import FLASHERS, choose, flash, plan, program_of

__all__ = ["FLASHERS", "Flasher", "Image", "Plan", "Step", "choose", "flash", "plan", "program_of"]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "edgeq.flashers.flasher": "Flasher Image Plan Step",
        "edgeq.flashers.table": "FLASHERS choose flash plan program_of",
    },
)
