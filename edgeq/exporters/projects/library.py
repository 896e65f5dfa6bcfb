"""A library for C and C++: headers, archives, a shared library, and how pkg-config and CMake find them."""

from __future__ import annotations

from edgeq.exporters.projects.content import Content
from edgeq.exporters.projects.render import fill, sources


def library(content: Content) -> dict[str, bytes]:
    """The files of a library, as an installation has them, with the sources that they are built from."""
    name, bare = content.name, content.library is None and content.is_bare
    link = [f"-l{model.name}" for model in content.models] if bare else [f"-l{name}"]
    templates = {
        "CMakeLists.txt": "CMakeLists.txt",
        "README.md": "README.md",
        f"lib/pkgconfig/{name}.pc": "name.pc",
        f"lib/cmake/{name}/{name}Config.cmake": "Config.cmake",
        f"lib/cmake/{name}/{name}ConfigVersion.cmake": "ConfigVersion.cmake",
        "examples/CMakeLists.txt": "example.cmake",
        "examples/example.c": "example.c",
        "examples/example.cpp": "example.cpp",
    }
    texts = {path: fill(f"library/{t}.j2", content, bare=bare, link=link) for path, t in templates.items()}
    texts["LICENSE"] = content.license
    for model in content.models:
        texts[f"include/{model.name}.hpp"] = fill("library/model.hpp.j2", content, m=model)
    headers = sources(content, "include")
    texts |= {**headers, "c/CMakeLists.txt": content.files["CMakeLists.txt"]}
    texts |= {f"c/{path}": text for path, text in (headers | sources(content, "src", "kernels", "platform")).items()}
    files = {path: text.encode() for path, text in texts.items()}
    files |= {f"lib/{file}": data for file, data in content.archives.items()}
    return files if content.library is None else {**files, f"lib/{content.library_name}": content.library}
