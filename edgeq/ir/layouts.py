"""Layouts in which a caller can exchange images."""

from __future__ import annotations

from typing import Literal

Layout = Literal["nhwc", "nchw"]
LAYOUTS: tuple[Layout, ...] = ("nhwc", "nchw")
