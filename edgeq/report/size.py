"""How much of the target's memory a program takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from edgeq.errors import ToolError
from edgeq.report.callgraph import call_graph, deepest, reachable
from edgeq.target import Region, Target

ARENA = "eq_arena"
STATE = "eq_state"
ENTRY = "eq_model_run"
"""Names in firmware/runtime; in a program that answers for several models each is followed by OF and what it is of."""
OF = "_of_"
ENDS = ("", "_with")
PART = "_part"
"""How the names of a model's own functions end: that of a run, also with a pool of threads, and those of parts, which
the pool calls through a pointer."""

WEIGHTS = ".eq_weights"
"""The section that constants go to when they have one of their own."""
HOT_CODE = ".hot_code"
"""The section of kernels whose code lies in another memory than flash."""


@dataclass(frozen=True)
class Size:
    """Bytes of memory that a program takes.

    Attributes:
        model: code and constants of the generated files: parameters, weights, tables.
        kernels: code and constants of the kernels.
        helpers: functions of the compiler's library and of the C library that model and kernels call.
        platform: everything else in flash: startup, console, main program, interrupt vectors.
        arena: the model's working memory.
        platform_ram: the platform's variables, and the stack set aside.
        stack: the most stack that one inference can use.
        weights: constants that do not lie among the code: a section or a file of their own.
        state: what the model keeps from one run to the next.
        hot_code: the part of `kernels` that lies in another memory than flash.
    """

    model: int
    kernels: int
    helpers: int
    platform: int
    arena: int
    platform_ram: int
    stack: int
    weights: int = 0
    state: int = 0
    hot_code: int = 0

    @property
    def flash_bytes(self) -> int:
        """What the model adds to flash."""
        return self.model + self.kernels + self.helpers + self.weights

    @property
    def ram_bytes(self) -> int:
        """What the model needs besides the stack: generated code and kernels have no variables."""
        return self.arena + self.state

    def manifest(self) -> dict[str, int | dict[str, int]]:
        """Entries of the manifest."""
        return {
            "flash_bytes": self.flash_bytes,
            "ram_bytes": self.ram_bytes,
            "stack_bytes": self.stack,
            "memory": {
                "model": self.model,
                "kernels": self.kernels,
                "helpers": self.helpers,
                "platform": self.platform,
                "platform_ram": self.platform_ram,
                "weights": self.weights,
            },
        }


@dataclass(frozen=True)
class _Item:
    """A function or object in memory."""

    name: str
    file: str
    address: int
    size: int
    is_code: bool
    writable: bool
    section: str


def measure(
    program: Path,
    target: Target,
    weights_file: int = 0,
    kernel_files: Collection[str] = (),
    models: Collection[str] = (),
) -> Size:
    """The sizes of a linked program, and of the file of weights that belongs to it.

    On bare metal they are those of the linker script's sections, exact to the byte. On a computer, where there are no
    such sections, they are sums over the functions that an inference can reach and the objects of the model's files.

    Args:
        program: an ELF file.
        target: what it is for.
        weights_file: bytes of the file of weights.
        kernel_files: names of the kernels' source files, whose constants count; only needed for computers.
        models: names of the models in it; by default it has one, which has the file's name.

    Raises:
        ToolError: it is not an ELF file with symbols.
    """
    try:
        with program.open("rb") as file:
            elf = ELFFile(file)
            graph = call_graph(elf)
            items = _items(elf)
            sections = {s.name: s["sh_size"] for s in elf.iter_sections() if s["sh_flags"] & SH_FLAGS.SHF_ALLOC}
    except (OSError, ELFError) as error:
        raise ToolError(f"cannot be measured: {error}", hint="only ELF programs can", where=str(program)) from error
    roots = [f.start for f in graph.values() if f.name == ENTRY or f.name.startswith(ENTRY + OF)]
    if not roots:
        raise ToolError("cannot be measured: it holds no model, or no symbols", where=str(program))
    names = models or (program.stem,)
    runs = [f.start for f in graph.values() if f.name in {f"{name}_run{end}" for name in names for end in ENDS}]
    parts = [f.start for f in graph.values() if f.name.endswith(PART) and f.name.startswith(tuple(names))]
    entries = runs if parts else [*roots, *runs]  # a program with parts also starts threads, which is no inference
    used = reachable(graph, [*entries, *parts]) - set(roots)
    stack = max(deepest(graph, e) for e in entries) + max((deepest(graph, p) for p in parts), default=0)
    if target.bare_metal:
        return _of_sections(sections, items, used, stack, weights_file)
    return _of_symbols(sections, items, used, names, stack, kernel_files)


def code_of(program: Path, functions: Collection[str]) -> dict[str, dict[str, int]]:
    """The code that functions bring with them.

    Args:
        program: an ELF file.
        functions: names of functions that may be in it.

    Returns:
        By function, of those that are there, the bytes of it and of each function that it calls, however indirectly.

    Raises:
        ToolError: it is not an ELF file.
    """
    try:
        with program.open("rb") as file:
            graph = call_graph(ELFFile(file))
    except (OSError, ELFError) as error:
        raise ToolError(f"cannot be measured: {error}", hint="only ELF programs can", where=str(program)) from error
    return {
        function.name: {graph[start].name: graph[start].size for start in sorted(reachable(graph, [function.start]))}
        for function in graph.values()
        if function.name in functions
    }


def end_within(program: Path, region: Region) -> int:
    """The address after the last byte of a memory that a linked program is loaded to; the region's start if none is.

    Raises:
        ToolError: it is not an ELF file.
    """
    try:
        with program.open("rb") as file:
            segments = [(s["p_paddr"], s["p_filesz"]) for s in ELFFile(file).iter_segments("PT_LOAD")]
    except (OSError, ELFError) as error:
        raise ToolError(f"cannot be measured: {error}", hint="only ELF programs can", where=str(program)) from error
    return max([start + size for start, size in segments if region.origin <= start < region.end], default=region.origin)


def _items(elf: ELFFile) -> list[_Item]:
    """Functions and objects, each address once."""
    thumb_bit = 1 if elf["e_machine"] == "EM_ARM" else 0
    sections = list(elf.iter_sections())
    table = elf.get_section_by_name(".symtab")
    items: dict[int, _Item] = {}
    file = ""
    for symbol in table.iter_symbols() if table else ():
        kind, index = symbol["st_info"]["type"], symbol["st_shndx"]
        if kind == "STT_FILE":
            file = symbol.name
        elif kind in ("STT_FUNC", "STT_OBJECT") and isinstance(index, int) and symbol["st_size"]:
            section = sections[index]
            code = kind == "STT_FUNC"
            address = symbol["st_value"] & ~thumb_bit if code else symbol["st_value"]
            writable = bool(section["sh_flags"] & SH_FLAGS.SHF_WRITE) and section.name != ".data.rel.ro"
            owner = file if symbol["st_info"]["bind"] == "STB_LOCAL" else ""
            items.setdefault(
                address, _Item(symbol.name, owner, address, symbol["st_size"], code, writable, section.name)
            )
    return list(items.values())


def _bytes_of(name: str, items: Sequence[_Item]) -> int:
    return sum(item.size for item in items if item.name == name or item.name.startswith(name + OF))


def _of_sections(
    sections: Mapping[str, int], items: Sequence[_Item], used: set[int], stack: int, weights_file: int
) -> Size:
    common = [item for item in items if item.section == ".platform"]
    # Tables of the compiler's library have names that are reserved for the compiler.
    helpers = sum(i.size for i in common if (i.address in used if i.is_code else i.name.startswith("__")))
    arena, state = _bytes_of(ARENA, items), _bytes_of(STATE, items)
    others = (i for i in items if i.name.startswith(f"{ARENA}_") and not i.name.startswith(ARENA + OF))
    arenas = arena + sum(item.size for item in others)
    elsewhere = sum(size for name, size in sections.items() if name.startswith(".arena_"))
    placed = {name: size for name, size in sections.items() if name.startswith(".weights_")}
    return Size(
        model=sections.get(".model", 0),
        kernels=sections.get(".kernels", 0) + sections.get(HOT_CODE, 0),
        helpers=helpers,
        platform=sum(sections.get(name, 0) for name in (".boot2", ".vectors", ".platform", ".data")) - helpers,
        arena=arenas,
        platform_ram=sum(sections.get(name, 0) for name in (".stack", ".data", ".bss")) + elsewhere - arenas - state,
        stack=stack,
        weights=sections.get(WEIGHTS, 0) + sum(placed.values()) + weights_file,
        state=state,
        hot_code=sections.get(HOT_CODE, 0),
    )


def _of_symbols(
    sections: Mapping[str, int],
    items: Sequence[_Item],
    used: set[int],
    names: Collection[str],
    stack: int,
    kernel_files: Collection[str],
) -> Size:
    own = {f"{name}{end}" for name in names for end in (".c", "_weights.c")}
    prefixes = tuple(f"{name}_" for name in names)
    model = kernels = 0
    for item in items:
        if item.writable or item.name.startswith("_"):
            continue
        if item.file in own or (not item.file and item.name.startswith(prefixes)):
            model += item.size
        elif item.address in used if item.is_code else item.file in kernel_files:
            kernels += item.size
    arena, state = _bytes_of(ARENA, items), _bytes_of(STATE, items)
    loaded = sum(size for section, size in sections.items() if section not in (".bss", ".tbss"))
    ram = sections.get(".data", 0) + sections.get(".bss", 0)
    platform = loaded - model - kernels
    return Size(model, kernels, 0, platform, arena, ram - arena - state, stack, state=state)
