"""What a target makes of options: threads, regions of memory, layers in float32."""

from __future__ import annotations

from dataclasses import replace

from edgeq.api.project import BuildOptions
from edgeq.codegen.places import USUAL, Places, places_of
from edgeq.codegen.program import Program
from edgeq.errors import UsageError
from edgeq.exporters.projects import PROJECTS
from edgeq.exporters.projects.kinds import FIRMWARE
from edgeq.target import Target, native_is_unknown
from edgeq.warnings import warn

MOST_THREADS = 64


def check_threads(options: BuildOptions, target: Target) -> None:
    """Make sure that a program can have so many threads.

    Raises:
        UsageError: it cannot.
    """
    count = options.threads
    if not 1 <= count <= MOST_THREADS:
        raise UsageError(
            f"--threads {count} is not from 1 to {MOST_THREADS}", hint="take the number of the CPU's cores"
        )
    if count > 1 and target.bare_metal:
        raise UsageError(
            f"--threads is for computers, and {target.name} has no operating system",
            hint="leave it out, or take --target host, raspberry-pi or one of the linux targets",
        )
    if count > 1 and options.ram_budget is not None:
        raise UsageError(
            "--threads and --ram-budget do not go together: threads need memory of their own",
            hint="leave one of them out",
        )
    if count > 1 and options.emit != FIRMWARE and PROJECTS[options.emit].portable:
        raise UsageError(f"--threads is not for --emit {options.emit}", hint="take library or python, or leave it out")


def places_for(options: BuildOptions, target: Target) -> Places:
    """The regions of memory that the parts of a program lie in. A project for other tools leaves that to these.

    Raises:
        UsageError: see `edgeq.codegen.places.places_of`, or the options exclude each other.
    """
    if options.emit != FIRMWARE:
        if options.place:
            raise UsageError(f"--place is not for --emit {options.emit}", hint="leave one of them out")
        return USUAL
    places = places_of(target, options.place)
    if options.weights_in != "inline" and (places.weights != USUAL.weights or places.weights_of):
        if any(key.partition(".")[0] == "weights" for key in options.place):
            raise UsageError(
                f"--weights-in {options.weights_in} and --place weights exclude each other",
                hint="leave one of them out",
            )
        return replace(places, weights=USUAL.weights, weights_of=())
    return places


def warn_of_idle_threads(program: Program) -> None:
    """Say so if a program was asked to share its work among threads, and none of its layers is worth it."""
    if program.threads > 1 and not any(call.parts for call in program.calls):
        warn(
            f"no layer is large enough to be shared by {program.threads} threads",
            hint="leave --threads out: the program is the same, and needs less memory",
            strict=UsageError,
        )


def warn_of_unknown_processor(options: BuildOptions, target: Target) -> None:
    """Say so if this machine's processor may have more than the program will use, since the system does not tell."""
    if target.native and options.isa is None and options.simulate is None and native_is_unknown():
        warn(
            "this system does not say what its processor has, so kernels are portable ones",
            hint="give --isa avx2 or another that `edgeq targets` lists for the host, or --isa x86-64 if that is meant",
            where=target.name,
            strict=UsageError,
        )


def warn_of_soft_floats(program: Program, target: Target) -> None:
    """Say what layers in float32 cost on a core that computes with integers alone."""
    layers = [call.name for call in program.calls if call.output_dtype.is_float]
    if layers and target.bare_metal and "fpu" not in target.isa:
        warn(
            f"{target.name} has no floating-point unit: every float32 operation of {len(layers)} layer(s) is a call of "
            "the compiler's library, of some tens of instructions",
            hint="quantize these layers, or take a core with such a unit",
            where=layers[0] if len(layers) == 1 else "",
        )
