"""What a program is optimized for, and whose kernels it calls."""

from __future__ import annotations

from typing import Literal

Goal = Literal["speed", "balanced", "size"]
GOALS: tuple[Goal, ...] = ("speed", "balanced", "size")
"""What a program can be optimized for."""
Library = Literal["edgeq", "cmsis-nn", "esp-nn"]
LIBRARIES: tuple[Library, ...] = ("edgeq", "cmsis-nn", "esp-nn")
"""Whose kernels a program can call."""
