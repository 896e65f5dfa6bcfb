"""From an integer graph to C: choose kernels, place tensors (`lower`), write the build folder (`emit`)."""

from typing import TYPE_CHECKING

from edgeq.lazy import lazy

if TYPE_CHECKING:
    from edgeq.codegen.emit import emit, render
    from edgeq.codegen.lower import lower
    from edgeq.codegen.manifest import read_manifest, update_manifest
    from edgeq.codegen.program import KernelCall, Place, Port, Program

__all__ = ["KernelCall", "Place", "Port", "Program", "emit", "lower", "read_manifest", "render", "update_manifest"]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "edgeq.codegen.emit": "emit render",
        "edgeq.codegen.lower": "lower",
        "edgeq.codegen.manifest": "read_manifest update_manifest",
        "edgeq.codegen.program": "KernelCall Place Port Program",
    },
)
