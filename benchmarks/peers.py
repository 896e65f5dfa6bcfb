"""The engines that edgeq is compared with on a computer, and edgeq itself: each a call without arguments."""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import edgeq
from edgeq.api.check import Built
from edgeq.errors import ToolError
from edgeq.ir.tensor import Array
from edgeq.toolchain.cmake import shared_path
from edgeq.toolchain.process import run

Inference = Callable[[], object]
"""One inference of a model whose input stays as it is."""
ALIGNMENT = 64
_HIDING = Path(__file__).with_name("peers.c")


def hide_newer_instructions() -> None:
    """From now on, libraries that ask the processor are told that it has AVX2 and nothing newer.

    Raises:
        ToolError: there is no compiler, or the system cannot let CPUID fault.
    """
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        made = Path(folder) / "peers.so"
        run(["gcc", "-shared", "-fPIC", "-O2", _HIDING, "-o", made], install="apt-get install gcc")
        if ctypes.CDLL(str(made)).hide():
            raise ToolError(
                "this system cannot hide instruction sets",
                hint="leave --hide out, and measure on a machine without AVX-512",
            )


def _aligned(size: int) -> Array:
    block = np.zeros(size + ALIGNMENT, np.uint8)
    start = -block.ctypes.data % ALIGNMENT
    return block[start : start + size]


def compiled(folder: Path) -> Inference:
    """The model of a build folder, its C function called as it is.

    Raises:
        EdgeqError: the shared library cannot be built.
    """
    edgeq.load_compiled(folder)
    built = Built.read(folder)
    name, manifest = str(built.manifest["name"]), built.manifest
    library = ctypes.CDLL(str(shared_path(folder, name)))
    function = getattr(library, f"{name}_run")
    arena = _aligned(int(manifest["arena_bytes"]))
    inputs = [np.ascontiguousarray(array) for array in built.integers(built.random(1))]
    ports = [np.dtype(port["dtype"]).itemsize * int(np.prod(port["shape"])) for port in manifest["outputs"]]
    outputs = [_aligned(size) for size in ports]
    arrays = (arena, *inputs, *outputs)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in arrays]

    def infer(_kept: object = arrays) -> None:
        if function(*pointers):
            raise ToolError(f"{name}_run refuses its memory", where=str(folder))

    return infer


def _random(shape: tuple[int, ...], kind: np.dtype) -> Array:
    rng = np.random.default_rng(0)
    if np.issubdtype(kind, np.integer):
        limits = np.iinfo(kind)
        return np.asarray(rng.integers(limits.min, limits.max, shape, endpoint=True), kind)
    return np.asarray(rng.uniform(-1, 1, shape), kind)


def litert(model: Path, xnnpack: bool) -> Inference:
    """LiteRT with XNNPACK, or with its own kernels."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = OpResolverType.AUTO if xnnpack else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(str(model), num_threads=1, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    for port in interpreter.get_input_details():
        interpreter.set_tensor(port["index"], _random(tuple(port["shape"]), np.dtype(port["dtype"])))
    invoke: Inference = interpreter.invoke
    return invoke


def onnxruntime(model: Path) -> Inference:
    """onnxruntime, with its inputs and outputs bound."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    for port in session.get_inputs():
        shape = tuple(size if isinstance(size, int) else 1 for size in port.shape)
        kind = {"tensor(int8)": np.int8, "tensor(uint8)": np.uint8}.get(port.type, np.float32)
        binding.bind_cpu_input(port.name, _random(shape, np.dtype(kind)))
    for port in session.get_outputs():
        binding.bind_output(port.name)
    return lambda: session.run_with_iobinding(binding)
