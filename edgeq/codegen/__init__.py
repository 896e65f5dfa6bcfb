"""From an integer graph to C: choose kernels, place tensors (`lower`), write the build folder (`emit`)."""

from edgeq.codegen.emit import emit, render
from edgeq.codegen.lower import lower
from edgeq.codegen.manifest import read_manifest, update_manifest
from edgeq.codegen.program import KernelCall, Place, Port, Program

__all__ = ["KernelCall", "Place", "Port", "Program", "emit", "lower", "read_manifest", "render", "update_manifest"]
