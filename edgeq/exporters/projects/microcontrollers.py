"""Projects for the tools with which people write firmware.

The C is flat where a tool compiles whatever lies in a folder, and else as it is in a build folder.
"""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.exporters.projects.archives import zipped
from edgeq.exporters.projects.content import Content
from edgeq.exporters.projects.flat import flat
from edgeq.exporters.projects.render import VERSION, fill, kernels_and_models, sources

Texts = Mapping[str, str]


def _files(content: Content, kind: str, templates: Texts, *more: Texts) -> dict[str, bytes]:
    """A project's files: templates by path, README and licence, and what else there is."""
    compiled = kernels_and_models(content)
    texts = {path: fill(f"{kind}/{name}.j2", content, compiled=compiled) for path, name in templates.items()}
    texts |= {"README.md": fill(f"{kind}/README.md.j2", content), "LICENSE": content.license}
    for part in more:
        texts |= part
    return {path: text.encode() for path, text in texts.items()}


def _below(place: str, texts: Texts) -> dict[str, str]:
    return {f"{place}/{path}": text for path, text in texts.items()}


def arduino(content: Content) -> dict[str, bytes]:
    """An Arduino library: everything in `src`, an example."""
    templates = {"library.properties": "library.properties", "examples/Classify/Classify.ino": "Classify.ino"}
    return _files(content, "arduino", templates, _below("src", flat(content)))


def platformio(content: Content) -> dict[str, bytes]:
    """A PlatformIO library, with an example for its Arduino framework."""
    templates = {"library.json": "library.json", "examples/classify/platformio.ini": "platformio.ini"}
    sketch = "#include <Arduino.h>\n\n" + fill("arduino/Classify.ino.j2", content)
    return _files(
        content, "platformio", templates, _below("src", flat(content)), {"examples/classify/src/main.cpp": sketch}
    )


def pico_sdk(content: Content) -> dict[str, bytes]:
    """A program for the Pico SDK, with the model as a subfolder."""
    model = {"CMakeLists.txt": content.files["CMakeLists.txt"], **sources(content, "include", "src", "kernels")}
    libc = {path: text for path, text in content.files.items() if path.startswith("platform/libc/")}
    templates = {"CMakeLists.txt": "CMakeLists.txt", "main.c": "main.c"}
    return _files(content, "pico-sdk", templates, _below("model", {**model, **libc}))


def stm32cube(content: Content) -> dict[str, bytes]:
    """Folders to be copied over those of a project of STM32CubeMX."""
    name, place = content.name, f"Middlewares/edgeq/{content.name}"
    public = [f"{model.name}.h" for model in content.models]
    files = {f"{place}/{'Inc' if n in public else 'Src'}/{n}": text for n, text in flat(content).items()}
    templates = {
        f"{place}/{name}.cmake": "module.cmake",
        f"Core/Src/{name}_app.c": "app.c",
        f"Core/Inc/{name}_app.h": "app.h",
    }
    return _files(content, "stm32cube", templates, files)


def zephyr(content: Content) -> dict[str, bytes]:
    """A module of Zephyr, with a sample."""
    templates = {
        "zephyr/module.yml": "module.yml",
        "zephyr/Kconfig": "Kconfig",
        "zephyr/CMakeLists.txt": "CMakeLists.txt",
        "samples/classify/CMakeLists.txt": "sample.cmake",
        "samples/classify/prj.conf": "prj.conf",
        "samples/classify/sample.yaml": "sample.yaml",
        "samples/classify/src/main.c": "main.c",
    }
    return _files(content, "zephyr", templates, sources(content, "include", "src", "kernels"))


def esp_idf(content: Content) -> dict[str, bytes]:
    """A project of ESP-IDF, with the model as a component."""
    place = f"components/{content.name}"
    templates = {
        "CMakeLists.txt": "CMakeLists.txt",
        "main/CMakeLists.txt": "main.cmake",
        "main/main.c": "main.c",
        f"{place}/CMakeLists.txt": "component.cmake",
        f"{place}/idf_component.yml": "idf_component.yml",
    }
    return _files(content, "esp-idf", templates, _below(place, sources(content, "include", "src", "kernels")))


CORES = {
    "cortex-m0plus": ("Cortex-M0+",),
    "cortex-m3": ("Cortex-M3",),
    "cortex-m4": ("Cortex-M4",),
    "cortex-m7": ("Cortex-M7",),
    "cortex-m33": ("Cortex-M33",),
    "cortex-m55": ("Cortex-M55",),
}
"""What packs call the cores."""


def cmsis_pack(content: Content) -> dict[str, bytes]:
    """A CMSIS pack: its description, its files, and the archive of both."""
    parts = sources(content, "include", "src", "kernels")
    files = _files(content, "cmsis-pack", {"template/classify.c": "classify.c"}, parts)
    name, compiled = f"edgeq.{content.name}", kernels_and_models(content)
    cores = CORES.get(content.cpu, ()) if content.isa or content.cpu in CORES else ()
    description = fill("cmsis-pack/pack.pdsc.j2", content, compiled=compiled, cores=cores)
    files[f"{name}.pdsc"] = description.encode()
    return {**files, f"{name}.{VERSION}.pack": zipped(dict(sorted(files.items())))}
