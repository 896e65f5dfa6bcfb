"""Targets: what is known about a CPU or a board, one TOML file each (docs/targets.md)."""

from edgeq.target.console import with_console
from edgeq.target.loading import (
    is_file_name,
    list_boards,
    list_targets,
    load_board,
    load_target,
    load_target_file,
    target_name,
)
from edgeq.target.model import Power, Price, Region, RunnerSpec, Setting, Speed, Target
from edgeq.target.native import isa_names, isa_variants, native_features, native_is_unknown, with_isa
from edgeq.target.text import target_text
from edgeq.target.uart import Uart

__all__ = [
    "Power",
    "Price",
    "Region",
    "RunnerSpec",
    "Setting",
    "Speed",
    "Target",
    "Uart",
    "is_file_name",
    "isa_names",
    "isa_variants",
    "list_boards",
    "list_targets",
    "load_board",
    "load_target",
    "load_target_file",
    "native_features",
    "native_is_unknown",
    "target_name",
    "target_text",
    "with_console",
    "with_isa",
]
