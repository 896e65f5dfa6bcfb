"""What several instruction sets' rows share; the sets themselves know nothing of one another."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.kernel import Kernel
from edgeq.ir.op import Op

KernelTable = Mapping[type[Op], tuple[Kernel, ...]]
"""The rows of an instruction set by operator, fastest first; those of a base class serve all its subclasses."""
