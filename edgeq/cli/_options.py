"""The options that BuildOptions declares, as options of commands."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from edgeq.api.project import FILE, BuildOptions, load_project, load_projects
from edgeq.errors import UsageError
from edgeq.importers import SAVED_MODEL
from edgeq.options import Declared, of_each, options_of_command, override, read_arguments

ModelArgument = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        help="ONNX, TFLite or Keras file, SavedModel folder, or a folder or file edgeq.toml.",
        show_default=False,
    ),
]
ModelArguments = Annotated[
    list[Path],
    typer.Argument(
        metavar="MODEL...",
        help="ONNX, TFLite or Keras file, SavedModel folder, or a folder or file edgeq.toml; several share one folder.",
        show_default=False,
    ),
]
Arguments = Mapping[str, Any]
"""Values of those options declared by BuildOptions that the command line sets."""

Command = Callable[..., None]


def takes_options(command: str) -> Callable[[Command], Command]:
    """Let a command take the options that BuildOptions declares for it.

    The parameter `arguments` of the decorated function stands for all of them: in its place the command gets one
    parameter per option, and the function is called with their parsed values.
    """

    def decorate(function: Command) -> Command:
        declared = [_parameter(item, command) for item in options_of_command(BuildOptions, command)]
        hints = get_type_hints(function, include_extras=True)
        parameters: list[inspect.Parameter] = []
        for parameter in inspect.signature(function).parameters.values():
            if parameter.name == "arguments":
                parameters += declared
            else:
                kind = inspect.Parameter.KEYWORD_ONLY
                parameters.append(parameter.replace(annotation=hints[parameter.name], kind=kind))

        @wraps(function)
        def run(**values: Any) -> None:
            texts = {p.name: values.pop(p.name) for p in declared}
            function(arguments=read_arguments(BuildOptions, command, texts), **values)

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run

    return decorate


def _parameter(item: Declared, command: str) -> inspect.Parameter:
    """An option for Typer, which only distinguishes texts, flags and repeated texts: what they mean is read later."""
    kind = item.option.kind
    names = [item.flag, *([item.option.short] if item.option.short else [])]
    type: Any
    default: bool | None
    if kind.spelling != "value":
        type, default = bool, False
    else:
        type, default = (list[str] if kind.gather or command in item.option.each else str) | None, None
    about = typer.Option(*names, metavar=item.metavar or None, help=item.help, show_default=False)
    return inspect.Parameter(
        item.parameter, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[type, about]
    )


def read_models(models: Sequence[Path], arguments: Arguments) -> tuple[BuildOptions, ...]:
    """What to do with several models or projects, as `read_options`; a project may have several models.

    Raises:
        UsageError: as `read_options`; or an option was given for another number of models.
    """
    options = [o for path in models for o in (load_projects(path) if _is_project(path) else (BuildOptions(path),))]
    return tuple(map(override, options, of_each(arguments, len(options))))


def _is_project(path: Path) -> bool:
    """Whether a path is an edgeq.toml or a folder with one, and not a model.

    Raises:
        UsageError: it is a folder with neither.
    """
    if path.name.endswith(".toml") or not path.is_dir():
        return path.name.endswith(".toml")
    if not (path / FILE).is_file() and not (path / SAVED_MODEL).exists():
        raise UsageError(
            f"the folder has no {FILE}, and is no SavedModel, which would have a {SAVED_MODEL}",
            hint=f"give a model's file, or write an {FILE} with `edgeq init MODEL`",
            where=str(path),
        )
    return (path / FILE).is_file()


def read_options(model: Path, arguments: Arguments) -> BuildOptions:
    """What to do with `model`, according to edgeq.toml, if `model` is one, and to the command line, which has priority.

    Raises:
        UsageError: the file is missing or wrong, or options contradict each other.
    """
    return override(load_project(model) if _is_project(model) else BuildOptions(model), arguments)
