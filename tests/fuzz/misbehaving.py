"""What a campaign has to notice, by the mutant's number; for the test of the campaign itself."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
from fuzz_seeds import Random


def outcome(path: Path, rng: Random) -> tuple[str, str]:
    """As that of fuzz_mutants."""
    number = int(path.stem)
    if number == 1:
        while True:
            pass
    if number == 2:
        return "refused", str(np.ones(5 << 28, np.uint8)[-1])
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 4:
        return "refused", str(1 // 0)
    return "refused", ""
