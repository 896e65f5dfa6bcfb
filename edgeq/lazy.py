"""Packages whose names are imported when they are first used.

NumPy, ONNX and the operators take most of a second to import, which `edgeq --help` or a message about a missing file
must not cost. So a package that only gathers names of its modules says where each is, and nothing is imported before it
is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspect import Signature


def lazy(
    package: str, modules: Mapping[str, str], called: Mapping[str, str] = MappingProxyType({})
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package.

    Args:
        package: its `__name__`.
        modules: for every module, the names that the package takes from it, with blanks in between. A name that a
            module of the package has as well, such as `lower` of `lower.py`, stays that of what the module defines.
        called: modules of the package that can be called as well, each with the module that has the function of that
            name.

    Returns:
        The two functions, to be assigned to these names in the package.
    """
    homes = {name: module for module, names in modules.items() for name in names.split()}

    class Package(ModuleType):
        def __setattr__(self, name: str, value: Any) -> None:
            if isinstance(value, ModuleType):  # what Python does when it has imported one
                if name in homes:
                    return
                if name in called:
                    value.__class__ = _calling(value.__class__, called[name], name)
            super().__setattr__(name, value)

    def get(name: str) -> Any:
        if name in called:
            return import_module(f"{package}.{name}")
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        there = vars(sys.modules[package]).items()
        return sorted({*homes, *called, *(n for n, v in there if n[:2] == "__" or isinstance(v, ModuleType))})

    sys.modules[package].__class__ = Package
    return get, names


def _calling(kind: type[ModuleType], module: str, name: str) -> type[ModuleType]:
    """A class of modules like `kind` that can be called, which calls the function `name` of another module."""

    class Called(kind):  # type: ignore[valid-type, misc]
        def __call__(self, *arguments: Any, **named: Any) -> Any:
            return getattr(import_module(module), name)(*arguments, **named)

        @property
        def __signature__(self) -> Signature:
            from inspect import signature  # slow to import

            return signature(getattr(import_module(module), name))

    return Called
