"""A Python package: the model in a shared library, and a binding that needs NumPy alone."""

from __future__ import annotations

import keyword
import sys
from pathlib import Path

from edgeq.errors import UsageError
from edgeq.exporters.projects.archives import wheel
from edgeq.exporters.projects.content import Content
from edgeq.exporters.projects.render import VERSION, fill, sources

_BINDING = Path(__file__).with_name("binding.py")
"""Copied into each package, and itself not imported: it needs NumPy."""


def python_package(content: Content) -> dict[str, bytes]:
    """The files of a package, and of a wheel if the library was compiled."""
    name = content.name
    if keyword.iskeyword(name) or name in sys.stdlib_module_names or name == "numpy":
        raise UsageError(
            f"a package cannot be called {name!r}, which means something else in Python",
            hint="choose another name with --name",
        )
    package = {
        f"{name}/_model.py": _BINDING.read_bytes(),
        f"{name}/py.typed": b"",
        f"{name}/__init__.py": fill("python/__init__.py.j2", content).encode(),
    }
    if len(content.models) > 1:
        for model in content.models:
            package[f"{name}/{model.name}.py"] = fill("python/model.py.j2", content, model=model).encode()
    version = f"{VERSION}+{content.identity[:12]}"
    readme = fill("python/README.md.j2", content)
    files = {
        **package,
        "README.md": readme.encode(),
        "LICENSE": content.license.encode(),
        "example.py": fill("python/example.py.j2", content).encode(),
        "pyproject.toml": fill("python/pyproject.toml.j2", content, package_version=version).encode(),
        "CMakeLists.txt": fill("python/CMakeLists.txt.j2", content).encode(),
        "c/CMakeLists.txt": content.files["CMakeLists.txt"].encode(),
    }
    files |= {f"c/{path}": text.encode() for path, text in sources(content, "include", "src", "kernels").items()}
    if content.library is not None:
        package[f"{name}/{content.library_name}"] = content.library
        files[f"{name}/{content.library_name}"] = content.library
        metadata = fill("python/METADATA.j2", content, package_version=version, readme=readme)
        tag, generator = f"py3-none-{content.platform_tag}", f"edgeq {content.version}"
        file, data = wheel(name, version, tag, package, metadata, content.license, generator)
        files[f"dist/{file}"] = data
    return files
