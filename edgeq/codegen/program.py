"""A program: what the templates turn into C. Every decision has been made; nothing refers to the graph any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from edgeq.codegen.literals import Constant, Member, c_type
from edgeq.codegen.places import USUAL, Places, region_at
from edgeq.codegen.weights import INLINE, WeightsPlace, layout
from edgeq.ir.kernel import Goal, Library
from edgeq.ir.tensor import DType, Shape, TensorType
from edgeq.isa import with_implied
from edgeq.kernels.choice import PassedOver
from edgeq.memory import Share
from edgeq.numerics.fixedpoint import Numerics
from edgeq.numerics.modes import FLOAT

CHECK = "ref/check_weights.c"
"""The source below firmware/kernels that checks a file of constants."""


@dataclass(frozen=True)
class Place:
    """A tensor of a call.

    Attributes:
        value: the graph's name for it.
        offset: bytes from the start of the first arena (`Program.arenas`), or of the state block.
        port: index of the input that it is part of, if that can be read in the caller's memory; else None.
        start: the byte of that input at which it begins.
        element: C type by which kernels see its elements.
        in_block: whether it lies in the state block.
    """

    value: str
    offset: int
    port: int | None = None
    start: int = 0
    element: str = "int8_t"
    in_block: bool = False


@dataclass(frozen=True)
class Port:
    """An input or output of the model.

    Attributes:
        name: the model's name for it.
        id: its identifier in the generated code: `input`, or `input_<name>` where there are several.
        type: shape, element type and quantization of what the caller exchanges.
        offset: bytes from the start of the arena.
        direct: for an input, whether the kernels can read it in the caller's memory.
        names: of an output, what its whole numbers 0, 1, … are called; empty where they have no names.
    """

    name: str
    id: str
    type: TensorType
    offset: int
    direct: bool = False
    names: tuple[str, ...] = ()

    @property
    def c_type(self) -> str:
        """C type of the elements."""
        return c_type(self.type.dtype.numpy)

    @property
    def range(self) -> tuple[int, int]:
        """Least and greatest value of an element."""
        return self.type.dtype.range


@dataclass(frozen=True)
class Kept:
    """A state that a run leaves for the next one, in a block of memory that belongs to the caller.

    Attributes:
        name: the name of its graph input.
        type: shape, element type and quantization.
        offset: bytes from the start of the state block.
        arena_offset: where it is copied to before the first layer, in bytes from the start of the arena; None: it is
            read in the block.
        after: where the state for the next run is computed.
        call: index of the call after which it is copied from there to the block; None: after the last one.
        moves: whether it is computed in the block, behind the old one, and moves to the front.
        reset_byte: the value of all its bytes after a reset; None: they are those of the constant `begin`.
        begin: the name of that constant, or "".
    """

    name: str
    type: TensorType
    offset: int
    arena_offset: int | None
    after: Place
    call: int | None = None
    moves: bool = False
    reset_byte: int | None = 0
    begin: str = ""


@dataclass(frozen=True)
class Occupant:
    """Something that lies in the arena for a time.

    Attributes:
        value: the graph's name for it; for scratch memory, the layer's name.
        kind: "input", "output", "tensor" or "scratch"; an input that is also an output is called an input.
        offset: bytes from the start of the arena.
        bytes: its size.
        first, last: indices of the first and last call during which it is in use: -1 is before the first call, and the
            number of calls is after the last one.
    """

    value: str
    kind: Literal["input", "output", "tensor", "scratch"]
    offset: int
    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Streaming:
    """The first layers, computed in stripes.

    Attributes:
        layers: names of the graph's nodes that are computed in stripes, in order.
        heights: of the stripes from top to bottom, in rows of the layers' lowest output.
        extra_macs: multiply-accumulates for rows that are computed by more than one stripe.
        extra_macs_percent: the same as a percentage of what the whole model takes without stripes.
    """

    layers: tuple[str, ...]
    heights: tuple[int, ...]
    extra_macs: int
    extra_macs_percent: float


@dataclass(frozen=True, eq=False)
class CallPart:
    """What one thread computes of a layer: a call of its kernel.

    Attributes:
        params, inputs, output, scratch: as in KernelCall.
    """

    params: Mapping[str, Member]
    inputs: tuple[Place, ...]
    output: Place
    scratch: int | None


@dataclass(frozen=True, eq=False)
class Variant:
    """A layer as one instruction set computes it.

    Attributes:
        function, struct, params, header, sources, isa: as those of a call.
        scratch: whether the function takes scratch memory.
        parts: the parameters of each of the call's parts.
    """

    function: str
    struct: str
    params: Mapping[str, Member]
    header: str
    sources: tuple[str, ...]
    isa: frozenset[str]
    scratch: bool
    parts: tuple[Mapping[str, Member], ...] = ()


@dataclass(frozen=True, eq=False)
class KernelCall:
    """One layer: a call of a C function.

    Attributes:
        name: the node's name.
        id: identifier of the layer in the generated code.
        op: the operator's kind.
        function: C function, with its rounding.
        struct: C type of the parameters.
        params: members of the parameters; a string names a constant.
        header: file below firmware/include.
        sources: files below firmware/kernels.
        inputs, outputs: where the operands lie.
        scratch: offset of the scratch memory, None if the function takes none.
        gather: "inputs" or "outputs" if the function takes those as one array of pointers, else "".
        library: the library that the function belongs to.
        instance: whether the layer has a copy of the function, specialized to its parameters.
        macs: multiply-accumulates.
        weights_bytes: bytes of the operator's constant operands.
        output_shape: shape of the first output.
        output_dtype: element type of the first output.
        weight_bits: bits of a weight; None if there are no weights.
        isa: features that the function needs.
        passed_over: faster kernels that were not taken, and why.
        accumulator_bound: what no accumulator exceeds in absolute value; None if there are none.
        parts: what several threads compute of it; empty: it is one call. The parameters of a layer with parts are those
            of the first.
        variants: what it is for each of the program's instruction sets; empty: the same for all. What is said here is
            that of the first.
    """

    name: str
    id: str
    op: str
    function: str
    struct: str
    params: Mapping[str, Member]
    header: str
    sources: tuple[str, ...]
    inputs: tuple[Place, ...]
    outputs: tuple[Place, ...]
    scratch: int | None
    gather: str
    library: Library
    instance: bool
    macs: int
    weights_bytes: int
    output_shape: Shape
    output_dtype: DType = DType.INT8
    weight_bits: int | None = None
    isa: frozenset[str] = frozenset()
    passed_over: tuple[PassedOver, ...] = ()
    accumulator_bound: int | None = None
    parts: tuple[CallPart, ...] = ()
    variants: tuple[Variant, ...] = ()

    @property
    def all_sources(self) -> tuple[str, ...]:
        """The sources of all variants."""
        return tuple(dict.fromkeys([*self.sources, *(s for v in self.variants for s in v.sources)]))

    @property
    def computes_reals(self) -> bool:
        """Whether it takes or gives real numbers."""
        return any(place.element == "float" for place in (*self.inputs, *self.outputs))

    @property
    def accumulator_bits(self) -> int | None:
        """Bits that an accumulator needs, its sign among them."""
        return None if self.accumulator_bound is None else self.accumulator_bound.bit_length() + 1


@dataclass(frozen=True, eq=False)
class Program:
    """A model as C.

    Attributes:
        name: identifier that all of the model's symbols start with.
        numerics: arithmetic of all layers.
        optimize: what it is optimized for.
        kernels: the library whose kernels it calls where there was a choice.
        calls: layers in order of execution.
        constants: weights and tables, in order of first use; equal ones occur once.
        inputs, outputs: what the caller exchanges, in the model's order.
        arena_bytes: size of the arena, which the caller provides; of all of them where there are several.
        arena_bound: bytes below which no plan can go, whatever the order of layers.
        arena: what lies in that memory, in order of first use.
        weights: where the constants lie.
        streaming: the layers that are computed in stripes; None: there are none.
        states: what a run leaves for the next one, by rising offset.
        state_bytes: size of the state block.
        threads: the most that can compute a layer.
        shares: the arenas, where that is said; see `arenas`.
        places: in which regions of memory code and stack lie.
        constant_regions: the region of each constant that is not among the code.
        variants: the instruction sets between which it chooses when it is loaded, the fastest last; empty: it does not.
    """

    name: str
    numerics: Numerics
    optimize: Goal
    kernels: Library
    calls: tuple[KernelCall, ...]
    constants: tuple[Constant, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    arena_bytes: int
    arena_bound: int
    arena: tuple[Occupant, ...]
    weights: WeightsPlace = INLINE
    streaming: Streaming | None = None
    states: tuple[Kept, ...] = ()
    state_bytes: int = 0
    threads: int = 1
    shares: tuple[Share, ...] = ()
    places: Places = USUAL
    constant_regions: Mapping[str, str] = field(default_factory=dict)
    variants: tuple[str, ...] = ()

    @property
    def arenas(self) -> tuple[Share, ...]:
        """The arenas and their regions. Offsets go on from one to the next, as if they lay one behind the other."""
        return self.shares or (Share("ram", 0, self.arena_bytes),)

    def arena_name(self, share: Share) -> str:
        """What an arena is called in the generated code: only the first has no region in its name."""
        return "arena" if share == self.arenas[0] else f"arena_{share.room}"

    def arena_at(self, offset: int) -> Share:
        """The arena in which an offset lies."""
        return region_at(self.arenas, offset)

    @property
    def used_regions(self) -> tuple[str, ...]:
        """The regions besides "flash" and "ram" that it needs."""
        used = [*self.arena_places, *self.constant_places, self.places.code, self.places.stack]
        return tuple(sorted({name for name in used if name not in ("flash", "ram")}))

    @property
    def arena_places(self) -> tuple[str, ...]:
        """The regions that have an arena."""
        return tuple(share.room for share in self.arenas)

    @property
    def constant_places(self) -> tuple[str, ...]:
        """The regions that have constants of their own."""
        return tuple(sorted(set(self.constant_regions.values())))

    def constants_in(self, region: str) -> int:
        """Bytes of the constants that were placed in a region."""
        return sum(c.array.nbytes for c in self.constants if self.constant_regions.get(c.name) == region)

    def arena_in(self, region: str) -> int:
        """Bytes of the arena in a region."""
        return sum(share.size for share in self.arenas if share.room == region)

    @property
    def is_real(self) -> bool:
        """Whether nothing in it is quantized."""
        ports = (port.type.dtype for port in (*self.inputs, *self.outputs))
        return all(dtype.is_float for dtype in (*ports, *(call.output_dtype for call in self.calls)))

    @property
    def arithmetic(self) -> str:
        """The name of what its layers compute in: that of `numerics`, or float."""
        return FLOAT if self.is_real else self.numerics.value

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(call.macs for call in self.calls)

    @property
    def weights_bytes(self) -> int:
        """Bytes of all layers' constant operands."""
        return sum(call.weights_bytes for call in self.calls)

    @property
    def constant_bytes(self) -> int:
        """Bytes of the constants as they are stored."""
        return sum(c.array.nbytes for c in self.constants)

    @property
    def image_bytes(self) -> int:
        """Bytes of the file with the constants; 0 if there is none."""
        return layout(self.constants)[1] if self.weights.kind == "file" else 0

    @property
    def calls_esp_nn(self) -> bool:
        """Whether a layer calls ESP-NN."""
        return any(call.library == "esp-nn" for call in self.calls)

    @property
    def calls_cmsis_nn(self) -> bool:
        """Whether a layer calls Arm's library."""
        return any(call.library == "cmsis-nn" for call in self.calls)

    @property
    def has_instances(self) -> bool:
        """Whether a layer has a copy of its kernel."""
        return any(call.instance for call in self.calls)

    @cached_property
    def isa(self) -> frozenset[str]:
        """Features that its kernels need, without those that others of them imply."""
        needed = frozenset[str]().union(*(call.isa for call in self.calls))
        return frozenset(name for name in needed if name not in with_implied(needed - {name}))

    @cached_property
    def headers(self) -> tuple[str, ...]:
        """Headers of all kernels, sorted."""
        return tuple(sorted({h for call in self.calls for h in (call.header, *(v.header for v in call.variants))}))

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Sources of all kernels, sorted."""
        return tuple(sorted({*self.compiled_sources, *(call.sources[0] for call in self.calls)}))

    @cached_property
    def compiled_sources(self) -> tuple[str, ...]:
        """The sources that are compiled as they are, sorted; that of a kernel with instances is included by these."""
        check = {CHECK} if self.weights.kind == "file" else set()
        return tuple(sorted(check | {source for call in self.calls for source in call.all_sources[call.instance :]}))

    @cached_property
    def source_features(self) -> Mapping[str, frozenset[str]]:
        """By source of a kernel: the features that it needs, where the program chooses when it is loaded."""
        needed: dict[str, frozenset[str]] = {}
        for call in self.calls if self.variants else ():
            for isa, sources in [(call.isa, call.sources), *((v.isa, v.sources) for v in call.variants)]:
                needed |= {source: needed.get(source, frozenset()) | with_implied(isa) for source in sources}
        return {source: features for source, features in sorted(needed.items()) if features}

    def constants_of(self, variant: int) -> int:
        """Bytes of the constants that one of the instruction sets reads."""
        calls = [call.variants[variant] if call.variants else call for call in self.calls]
        parts = [part if isinstance(part, Mapping) else part.params for call in calls for part in call.parts]
        read = {m for params in (*(c.params for c in calls), *parts) for m in params.values() if isinstance(m, str)}
        return sum(c.array.nbytes for c in self.constants if c.name in read)
