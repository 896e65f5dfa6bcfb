"""From a build folder into a board."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgeq.api.reach import AUTO, plugged_in
from edgeq.codegen.folder import restore
from edgeq.codegen.manifest import model_folder, model_names, read_manifest, read_target
from edgeq.errors import ToolError, UsageError
from edgeq.flashers import Image, plan
from edgeq.flashers import flash as do_flash
from edgeq.target import Target, load_board
from edgeq.toolchain.cmake import build_profile, emulated_path, has_images, program_path
from edgeq.toolchain.images import loaded, write_images


def flash(
    folder: str | Path,
    board: str | None = None,
    runner: str | None = None,
    port: str | None = None,
    profile: bool = False,
    dry_run: bool = False,
    model: str | None = None,
    told: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Write a build folder's program into a board, compare it, and start it.

    Args:
        folder: a build folder.
        board: the board, if it is not that of the folder: how it is flashed and what memory it has are taken from it.
        runner: the way in which it is flashed; by default the first in the board's file that is installed.
        port: a serial port for runners that need one, HOST:PORT of a gdb server for `gdb`.
        profile: whether to take the program that times its layers.
        dry_run: whether only to say what would be done.
        model: the name of one of its models, if it has several; None: the program that answers for all of them.
        told: called with each thing that is done.

    Returns:
        runner, board, program (its path), bytes, verified (whether it was read back and compared), steps (texts of
        what is done, commands as one would type them), done.

    Raises:
        UsageError: there is no such folder, board or runner, or programs for computers; or a model has to be named.
        CapacityError: the program does not fit the board.
        ToolError: nothing that flashes it is installed, or it failed: with the reason.
    """
    root = Path(folder)
    restore(root)
    built = read_target(root)
    together = model is None and built.answers and bool(model_names(root))
    names = model_names(root) if together else (model,)
    manifests = [read_manifest(model_folder(root, name)) for name in names]
    if not built.bare_metal:
        raise UsageError(f"programs for {built.name} are not flashed", hint="copy them to the machine and run them")
    target = built if board is None else load_board(board)
    name = read_manifest(root)["name"] if together else manifests[0]["name"]
    moved = built.emulated and any(entry.get("weights_emulated_address") is not None for entry in manifests)
    if moved and together and not profile:
        hint = f"flash one of them: --model {names[0]}"
        raise UsageError("the emulator has no memory where the weights of all models belong", hint, str(root))
    if profile:
        program = build_profile(root, name, built)
    else:
        program = (emulated_path if moved else program_path)(root, name, built)
    if not program.is_file():
        hint = "build without --no-compile"
        raise ToolError("the program has not been compiled", hint=hint, where=str(program))
    image = _image(program, built, root, manifests)
    flasher, steps = plan(target, image, runner, plugged_in(target) if port == AUTO else port)
    if not dry_run:
        do_flash(flasher, steps, told)
    return {
        "runner": flasher.kind,
        "board": target.name,
        "program": str(program),
        "bytes": sum(map(len, image.parts.values())),
        "verified": flasher.verifies and not dry_run,
        "steps": [step.text for step in steps],
        "done": not dry_run,
    }


def _image(program: Path, target: Target, root: Path, manifests: Sequence[dict[str, Any]]) -> Image:
    """All forms of a program of a build folder, made again if they are not there or older, and its models' weights."""
    paths = {kind: program.with_suffix(f".{kind}") for kind in ("hex", "bin", "uf2")}
    made = paths["hex"].is_file() and paths["hex"].stat().st_mtime >= program.stat().st_mtime
    if has_images(target) and not made:
        written: Mapping[str, Path] = write_images(program, target)
    else:
        written = {kind: path for kind, path in paths.items() if path.is_file()}
    parts = loaded(program)
    extra: list[tuple[int, Path]] = []
    for manifest in manifests:
        if not manifest.get("weights_file"):
            continue
        moved = manifest.get("weights_emulated_address") if target.emulated else None
        address = int(manifest["weights_address"] if moved is None else moved)
        path = root / str(manifest["weights_file"])
        if not path.is_file():
            raise ToolError("the file of weights is missing", hint="build it again", where=str(path))
        extra.append((address, path.resolve()))
        parts[address] = path.read_bytes()
    forms = {kind: path.resolve() for kind, path in written.items()}
    return Image(program.resolve(), forms.get("hex"), forms.get("bin"), forms.get("uf2"), tuple(extra), parts)
