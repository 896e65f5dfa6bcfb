"""The kinds of projects that a program can be written as."""

from __future__ import annotations

from typing import Literal

Emit = Literal[
    "firmware", "library", "python", "arduino", "zephyr", "platformio", "pico-sdk", "stm32cube", "esp-idf", "cmsis-pack"
]
EMITS: dict[Emit, str] = {
    "firmware": "a build folder",
    "library": "for C and C++",
    "python": "a package with a wheel, for computers",
    "arduino": "a library with a sketch",
    "zephyr": "a module with a sample",
    "platformio": "a library with an example",
    "pico-sdk": "a program",
    "stm32cube": "middleware for a CubeMX project",
    "esp-idf": "a project with a component",
    "cmsis-pack": "a software pack",
}
"""What `edgeq build` can write, with a note on each."""
FIRMWARE: Emit = "firmware"
"""What it writes unless told otherwise."""
