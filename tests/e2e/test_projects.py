"""Projects for other tools (`edgeq build --emit KIND`), compiled as their tools would, with stand-ins for functions."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import needs
import numpy as np
import pytest
from cmake_project import build_project
from command_line import DIGITS, SINE, contents, edgeq

import edgeq as api
from edgeq.exporters.projects import PROJECTS
from edgeq.exporters.projects.kinds import EMITS
from edgeq.resources import folder as resources
from edgeq.simulator import run_int

STAND_IN = Path(__file__).resolve().parent.parent / "stand_in" / "projects"
M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas")
FILES = (DIGITS / "digits.onnx", SINE / "hello_sine.onnx")


@pytest.fixture(scope="module")
def models() -> list[api.QuantizedModel]:
    """A classifier and a function of one number, quantized."""
    return [api.quantize(file, file.with_name("calibration.npz")) for file in FILES]


def _emit(models: list[api.QuantizedModel], kind: str, target: str, output: Path, which: slice = slice(None)) -> Path:
    """Write a project of some of the models, in C alone."""
    options = [
        api.BuildOptions(file, target, output=output, emit=kind, compile=False)  # type: ignore[arg-type]
        for file in FILES[which]
    ]
    api.build_models(options, quantized_models=models[which])
    texts = [(output / name).read_text("utf-8") for name in ("README.md", "LICENSE")]
    assert "Apache License" in texts[1] and FILES[which][0].name in texts[0]
    made = json.loads((output / "manifest.json").read_text())
    assert made["emit"] == kind and set(made["files"]) == {p for p, digest in contents(output).items() if digest} - {
        "manifest.json",
        ".edgeq-files",
    }
    return output


def _run(*command: str | Path) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def _objects(compiler: str, place: Path, files: list[Path], *flags: str | Path) -> list[Path]:
    """Compile files, each by itself."""
    place.mkdir(parents=True, exist_ok=True)
    objects = []
    for file in files:
        objects.append(place / f"{file.stem}.o")
        _run(compiler, "-c", *flags, *WARNINGS, file, "-o", objects[-1])
    return objects


def test_every_kind_is_tested_and_told_of() -> None:
    assert set(EMITS) == {"firmware", *PROJECTS}
    page = (DIGITS.parent.parent / "docs" / "projects.md").read_text("utf-8")
    own = Path(__file__).read_text("utf-8") + Path(__file__).with_name("test_python_projects.py").read_text("utf-8")
    for kind in PROJECTS:
        assert f"| `{kind}` |" in page and f'"{kind}"' in own


def test_a_sketch_says_what_the_simulator_does(models: list[api.QuantizedModel], tmp_path: Path) -> None:
    """Two libraries that were made apart are in one sketch, in portable C; both have kernels, and no name twice."""
    needs.programs("gcc", "g++")
    libraries = [_emit(models, "arduino", "host", tmp_path / str(k), slice(k, k + 1)) for k in range(len(FILES))]
    flags = [f"-I{library / 'src'}" for library in libraries] + [f"-I{STAND_IN / 'arduino'}"]
    objects = []
    for library in libraries:
        assert {p.suffix for p in (library / "src").iterdir()} <= {".c", ".h", ".inc"}
        objects += _objects("gcc", library / "o", sorted((library / "src").glob("*.c")), *flags)
    sketch = tmp_path / "sketch.cpp"
    text = (libraries[0] / "examples" / "Classify" / "Classify.ino").read_text()
    end = "int main() { setup(); loop(); return blinks != digits_classify() + 1; }\n"
    sketch.write_text(f"#include <Arduino.h>\n#include <hello_sine.h>\n{text}\n{end}")
    objects += _objects("g++", tmp_path / "o", [sketch], *flags)
    said = _run("g++", *objects, "-o", tmp_path / "sketch") + _run(tmp_path / "sketch")
    graph = models[0].graph
    q = graph.type("image").qp
    zeros = np.full(graph.type("image").shape, q.zp, np.int8)
    assert said == f"digits: class {run_int(graph, {'image': zeros})['probabilities'].argmax()}\n"
    assert re.search(r"^includes=digits\.h$", (libraries[0] / "library.properties").read_text(), re.MULTILINE)
    assert "edgeq_" not in text and "x86" not in "".join(p.name for p in (libraries[0] / "src").iterdir())


@pytest.mark.slow
def test_one_flat_folder_for_a_core(models: list[api.QuantizedModel], tmp_path: Path) -> None:
    """As Arduino's builder does it for an Arm board, and PlatformIO: the same sources under another description."""
    needs.programs("arm-none-eabi-gcc")
    library = _emit(models, "arduino", "cortex-m4", tmp_path / "library")
    other = _emit(models, "platformio", "cortex-m4", tmp_path / "other")
    for path in (library / "src").iterdir():
        assert path.read_bytes() == (other / "src" / path.name).read_bytes()
    sketch = tmp_path / "Classify.cpp"
    sketch.write_text("#include <Arduino.h>\n" + (library / "examples" / "Classify" / "Classify.ino").read_text())
    flags = [*M4, "-Os", f"-I{library / 'src'}", f"-I{STAND_IN / 'arduino'}"]
    objects = _objects("arm-none-eabi-gcc", tmp_path / "o", sorted((library / "src").glob("*.c")), *flags)
    cxx = ["-std=gnu++14", "-fno-exceptions", "-fno-rtti", *flags]
    objects += _objects("arm-none-eabi-g++", tmp_path / "o", [sketch], *cxx)
    _objects("arm-none-eabi-g++", tmp_path / "pio", [other / "examples" / "classify" / "src" / "main.cpp"], *cxx)
    link = ["--specs=nosys.specs", "-nostartfiles", "-Wl,-e,setup", "-o", tmp_path / "out.elf"]
    _run("arm-none-eabi-gcc", *M4, *objects, *link)
    described = json.loads((other / "library.json").read_text())
    assert re.fullmatch(r"\d+\.\d+\.\d+", described["version"]) and described["license"] == "Apache-2.0"
    assert described["headers"] == ["digits.h", "hello_sine.h"] and len(described["name"]) <= 100
    (example,) = described["examples"]
    assert all((other / example["base"] / name).is_file() for name in example["files"])


@pytest.mark.slow
def test_a_module_of_zephyr(models: list[api.QuantizedModel], tmp_path: Path) -> None:
    needs.programs("arm-none-eabi-gcc")
    module = _emit(models, "zephyr", "cortex-m4", tmp_path / "module")
    definitions = (
        "CMAKE_SYSTEM_NAME=Generic",
        "CMAKE_C_COMPILER=arm-none-eabi-gcc",
        "CMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
        f"CMAKE_C_FLAGS={' '.join((*M4, *WARNINGS))}",
        f"MODULE={module}",
        "CONFIG_DIGITS_HELLO_SINE=y",
    )
    build_project(STAND_IN / "zephyr", tmp_path / "build", *definitions)
    assert (tmp_path / "build" / "module" / "libdigits_hello_sine.a").is_file()
    assert "config DIGITS_HELLO_SINE\n" in (module / "zephyr" / "Kconfig").read_text()
    told = (module / "zephyr" / "module.yml").read_text()
    assert "name: digits_hello_sine\nbuild:\n  cmake: zephyr\n  kconfig: zephyr/Kconfig\n" in told
    assert "CONFIG_DIGITS_HELLO_SINE=y" in (module / "samples" / "classify" / "prj.conf").read_text()


def test_a_program_for_the_pico(models: list[api.QuantizedModel], tmp_path: Path) -> None:
    needs.programs("arm-none-eabi-gcc")
    project = _emit(models, "pico-sdk", "cortex-m0plus", tmp_path / "project", slice(1, 2))
    flags = "-mcpu=cortex-m0plus -mthumb"
    definitions = (
        "CMAKE_SYSTEM_NAME=Generic",
        "CMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
        f"PICO_SDK_PATH={STAND_IN / 'pico'}",
        *(f"CMAKE_{k}_COMPILER=arm-none-eabi-{c}" for k, c in (("C", "gcc"), ("CXX", "g++"), ("ASM", "gcc"))),
        *(f"CMAKE_{k}_FLAGS={flags}" for k in ("C", "CXX", "ASM")),
    )
    build_project(project, tmp_path / "build", *definitions)
    assert (tmp_path / "build" / "hello_sine_app").is_file()


def test_middleware_of_stm32cube(models: list[api.QuantizedModel], tmp_path: Path) -> None:
    needs.programs("arm-none-eabi-gcc")
    project = _emit(models, "stm32cube", "cortex-m4", tmp_path / "project", slice(1, 2))
    place = project / "Middlewares" / "edgeq" / "hello_sine"
    assert [path.name for path in (place / "Inc").iterdir()] == ["hello_sine.h"]
    flags = (*M4, f"-I{place / 'Inc'}", f"-I{project / 'Core' / 'Inc'}", f"-I{STAND_IN / 'stm32'}")
    sources = [*sorted((place / "Src").glob("*.c")), project / "Core" / "Src" / "hello_sine_app.c"]
    objects = _objects("arm-none-eabi-gcc", tmp_path / "o", sources, *flags)
    link = ("--specs=nosys.specs", "-nostartfiles", "-Wl,-e,hello_sine_app_step", "-o", tmp_path / "out.elf")
    _run("arm-none-eabi-gcc", *M4, *objects, *link)


@pytest.mark.slow
def test_a_component_of_esp_idf(models: list[api.QuantizedModel], tmp_path: Path) -> None:
    """Compiled for the RISC-V of an ESP32-C3, whose compiler here has no C library."""
    needs.programs("riscv64-linux-gnu-gcc")
    project = _emit(models, "esp-idf", "host", tmp_path / "project")
    component = project / "components" / "digits_hello_sine"
    listed = re.findall(r'^    "(.*)"$', (component / "CMakeLists.txt").read_text(), re.MULTILINE)
    assert {"src/digits.c", "src/hello_sine_weights.c", "kernels/ref/conv2d.c"} <= set(listed)
    sources = [component / name for name in listed] + [project / "main" / "main.c"]
    libc = resources("firmware") / "platform" / "cores" / "cortex-m" / "libc"
    flags = ["-march=rv32imc", "-mabi=ilp32", "-Os", "-ffreestanding", "-fno-pic", f"-I{component / 'include'}"]
    objects = _objects("riscv64-linux-gnu-gcc", tmp_path / "o", sources, *flags, f"-I{STAND_IN / 'esp'}", f"-I{libc}")
    _run("riscv64-linux-gnu-ld", "-m", "elf32lriscv", "-r", *objects, "-o", tmp_path / "all.o")


@pytest.mark.slow
def test_a_component_that_calls_esp_nn(tmp_path: Path) -> None:
    """The library is a dependency of the component; what is not its work is edgeq's own portable C."""
    needs.programs("riscv64-linux-gnu-gcc")
    calibration, output = FILES[0].with_name("calibration.npz"), tmp_path / "project"
    made = api.build(api.BuildOptions(FILES[0], "host", calibration, output, emit="esp-idf", kernels="esp-nn"))
    assert (made["kernels"], made["numerics"], made["flash_bytes"]) == ("esp-nn", "tflm", None)
    assert made["esp_nn"] == ">=1.2.0,<2.0.0"
    called = {layer["kernel"] for layer in made["layers"] if layer["kernel"].endswith("_esp_nn")}
    assert {"eq_conv2d_esp_nn", "eq_max_pool2d_esp_nn", "eq_softmax_esp_nn"} <= called
    component = tmp_path / "project" / "components" / "digits"
    assert '\n  espressif/esp-nn: ">=1.2.0,<2.0.0"\n' in (component / "idf_component.yml").read_text()
    listed = re.findall(r'^    "(.*)"$', (component / "CMakeLists.txt").read_text(), re.MULTILINE)
    assert "kernels/esp_nn/conv2d.c" in listed
    sources = [component / name for name in listed]
    libc = resources("firmware") / "platform" / "cores" / "cortex-m" / "libc"
    flags = ["-march=rv32imc", "-mabi=ilp32", "-Os", "-ffreestanding", "-fno-pic", f"-I{component / 'include'}"]
    flags += [f"-I{STAND_IN.parent}", f"-I{libc}"]
    objects = _objects("riscv64-linux-gnu-gcc", tmp_path / "o", sources, *flags)
    _run("riscv64-linux-gnu-ld", "-m", "elf32lriscv", "-r", *objects, "-o", tmp_path / "all.o")
    told = _run("riscv64-linux-gnu-nm", "-u", tmp_path / "all.o")
    assert "esp_nn_conv_s8\n" in told and "esp_nn_softmax_s8\n" in told


def test_a_pack_describes_what_is_in_it(models: list[api.QuantizedModel], tmp_path: Path) -> None:
    project = _emit(models, "cmsis-pack", "cortex-m4", tmp_path / "project")
    name = "edgeq.digits_hello_sine"
    package = ElementTree.parse(project / f"{name}.pdsc").getroot()
    _check_structure(package)
    assert [package.findtext(tag) for tag in ("vendor", "name", "license")] == ["edgeq", "digits_hello_sine", "LICENSE"]
    core = package.find("./conditions/condition/accept")
    assert core is not None and core.attrib == {"Dcore": "Cortex-M4"}
    listed = [file.attrib["name"] for file in package.iterfind("./components/component/files/file")]
    assert all((project / path).exists() for path in listed) and "src/digits.c" in listed
    with zipfile.ZipFile(project / f"{name}.1.0.0.pack") as archive:
        assert archive.testzip() is None
        assert {f"{name}.pdsc", "LICENSE", *(path for path in listed if not path.endswith("/"))} <= set(
            archive.namelist()
        )


CHILDREN = {
    "package": "vendor name description url license releases keywords conditions components",
    "releases": "release",
    "keywords": "keyword",
    "conditions": "condition",
    "condition": "description accept",
    "components": "component",
    "component": "description files",
    "files": "file",
}
REQUIRED = {
    "package": "schemaVersion",
    "release": "version",
    "condition": "id",
    "component": "Cclass Cgroup Csub Cversion",
    "file": "category name",
}
CATEGORIES = {"doc", "include", "header", "sourceC", "sourceAsm"}


def _check_structure(package: ElementTree.Element) -> None:
    """What PACK.xsd asks of the elements that are there, by hand: that file is no part of edgeq."""
    assert package.tag == "package"
    for node in package.iter():
        allowed = CHILDREN.get(node.tag, "").split()
        places = [allowed.index(child.tag) for child in node]
        assert places == sorted(places), node.tag
        assert all(node.get(key) for key in REQUIRED.get(node.tag, "").split()), node.tag
    for release in package.iterfind("./releases/release"):
        assert re.fullmatch(r"\d+\.\d+\.\d+ \d{4}-\d\d-\d\d", f"{release.attrib['version']} {release.attrib['date']}")
    assert {node.attrib["category"] for node in package.iter("file")} <= CATEGORIES
    conditions = {node.attrib["id"] for node in package.iter("condition")}
    assert {node.get("condition") for node in package.iter("component")} <= {*conditions, None}


def test_projects_by_their_schemas(models: list[api.QuantizedModel], schemas: Path, tmp_path: Path) -> None:
    """Of the tools' own makers."""
    xmlschema, jsonschema = (
        pytest.importorskip(name, reason=f"{needs.OPTIONAL}pip install {name}") for name in ("xmlschema", "jsonschema")
    )
    schema = xmlschema.XMLSchema(schemas / "PACK.xsd")
    (file,) = _emit(models, "cmsis-pack", "cortex-m4", tmp_path / "pack").glob("*.pdsc")
    assert [error.reason for error in schema.iter_errors(str(file))] == []
    assert not schema.is_valid(file.read_text().replace("<vendor>edgeq</vendor>", "<vender>edgeq</vender>"))
    # The file says that it is of draft 2020-12, where "required" is a list, and has it as that of 3, yes or no.
    rules = jsonschema.Draft202012Validator(
        json.loads(
            (schemas / "library.json").read_text(),
            object_hook=lambda table: {k: v for k, v in table.items() if (k, type(v)) != ("required", bool)},
        )
    )
    described = json.loads((_emit(models, "platformio", "host", tmp_path / "pio") / "library.json").read_text())
    assert [error.message for error in rules.iter_errors(described)] == []
    assert not rules.is_valid({**described, "version": 1})


def test_platformio_takes_its_library(models: list[api.QuantizedModel], tmp_path: Path) -> None:
    """PlatformIO's own reader, but for the licence, whose list of names it would fetch."""
    schema, parser = (
        pytest.importorskip(f"platformio.package.manifest.{name}", reason=f"{needs.OPTIONAL}pip install platformio")
        for name in ("schema", "parser")
    )
    file = _emit(models, "platformio", "host", tmp_path / "pio") / "library.json"
    described = parser.ManifestParserFactory.new_from_file(str(file)).as_dict()
    assert described.pop("license") == "Apache-2.0"
    assert schema.ManifestSchema().load_manifest(described)["name"] == "digits_hello_sine"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["zephyr", "pico-sdk", "stm32cube", "cmsis-pack"])
def test_no_name_twice_in_two_models(kind: str, models: list[api.QuantizedModel], tmp_path: Path) -> None:
    """All C of a project of two models in one program; those kinds whose own tests link two are not here."""
    needs.programs("arm-none-eabi-gcc")
    project = _emit(models, kind, "cortex-m0plus", tmp_path / "project")
    sources = [path for path in sorted(project.rglob("*.c")) if path.parent.name in ("src", "Src", "ref", "thumb")]
    sources = [path for path in sources if path.stem not in ("main", "digits_hello_sine_app")]
    headers = {f"-I{path.parent}" for path in project.rglob("*.h") if path.stem in ("digits", "hello_sine")}
    flags = ("-mcpu=cortex-m0plus", "-mthumb", "-O0", *sorted(headers))
    objects = _objects("arm-none-eabi-gcc", tmp_path / "o", sources, *flags)
    assert {"digits.o", "hello_sine.o", "digits_weights.o"} <= {path.name for path in objects} and len(objects) > 8
    _run("arm-none-eabi-ld", "-r", *objects, "-o", tmp_path / "all.o")
    defined = [line.split() for line in _run("arm-none-eabi-nm", "-g", tmp_path / "all.o").splitlines()]
    assert {"digits_run", "hello_sine_run"} <= {words[-1] for words in defined if words[-2] == "T"}


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        (("--emit", "arduino", "--target", "rpi4"), ("--emit arduino is not for rpi4", "Cortex-M", "--target host")),
        (("--emit", "pico-sdk", "--target", "cortex-m7"), ("not for cortex-m7", "--target cortex-m33 for the Pico 2")),
        (("--emit", "stm32cube", "--target", "host"), ("not for host", "the Cortex-M target of your STM32")),
        (("--emit", "esp-idf", "--target", "cortex-m4"), ("not for cortex-m4", "portable C for Xtensa and RISC-V")),
        (("--emit", "zephyr", "--kernels", "cmsis-nn"), ("--kernels cmsis-nn is not for --emit zephyr",)),
        (("--emit", "zephyr", "--weights-in", "file"), ("--weights-in file is not for --emit zephyr",)),
        (("--emit", "zephyr", "--kernels", "esp-nn"), ("--kernels esp-nn is for --emit esp-idf",)),
        (("--emit", "esp-idf", "--kernels", "esp-nn", "--numerics", "fast"), ("ESP-NN has no numerics 'fast'",)),
        (("--emit", "ardunio"), ("'ardunio' is not possible", "did you mean arduino?")),
    ],
)
def test_kinds_that_make_no_sense(options: tuple[str, ...], texts: tuple[str, ...], tmp_path: Path) -> None:
    ended = edgeq("build", DIGITS, *options, "--no-compile", "--output", tmp_path / "out")
    assert ended.code == 2 and all(text in " ".join(ended.err.split()) for text in texts), ended.err


@pytest.mark.slow
def test_a_library_for_c_and_cpp(models: list[api.QuantizedModel], tmp_path: Path) -> None:
    """Its examples, found by CMake's package and by pkg-config, static and shared, say what the simulator does."""
    needs.programs("gcc", "g++")
    output = tmp_path / "library"
    options = api.BuildOptions(FILES[0], output=output, emit="library", optimize="size")
    made = api.build(options, model=models[0])
    assert made["emit"] == "library" and made["flash_bytes"] > 0
    build_project(output / "examples", tmp_path / "build", f"CMAKE_CXX_FLAGS={' '.join(WARNINGS)}")
    graph = models[0].graph
    zeros = {"image": np.zeros((1, *graph.type("image").shape[1:]), np.float32)}
    scores = models[0].predict(zeros)["probabilities"][0]
    assert _run(tmp_path / "build" / "example_c") == f"digits: class {scores.argmax()}\n"
    told = f"digits: class {scores.argmax()}, score {scores.max():.3f}\n"
    assert _run(tmp_path / "build" / "example_cpp") == told
    assert "libdigits.so" in _run("ldd", tmp_path / "build" / "example_cpp")
    assert "libdigits" not in _run("ldd", tmp_path / "build" / "example_c")
    pc = (output / "lib" / "pkgconfig" / "digits.pc").read_text()
    assert "Cflags: -I${includedir}\nLibs: -L${libdir} -ldigits\n" in pc
    if shutil.which("pkg-config"):
        told = _run("pkg-config", "--cflags", "--libs", output / "lib" / "pkgconfig" / "digits.pc")
        place = output / "lib" / "pkgconfig" / ".." / ".."
        assert told.split() == [f"-I{place}/include", f"-L{place}/lib", "-ldigits"]
    program = tmp_path / "spans.cpp"
    program.write_text(SPANS)
    flags = ["-std=c++17", *WARNINGS, f"-I{output / 'include'}"]
    _run("g++", *flags, program, output / "lib" / "libdigits.a", "-o", tmp_path / "spans")
    assert _run(tmp_path / "spans") == "0 -100 seven\n"


SPANS = """
#include <array>
#include <cstdio>
#include <memory>
#include <vector>
#include "digits.hpp"
int main()
{
    auto model = std::make_unique<digits::Model>();
    std::vector<std::int8_t> input(digits::input_size);
    std::array<std::int8_t, digits::output_size> output{};
    const int right = model->run(input, output);
    const int wrong = model->run(digits::Span<const std::int8_t>(input.data(), 3), output);
    static const char *const names[] = {"five", "seven"};
    const std::vector<float> scores = {0.1f, 0.7f};
    std::printf("%d %d %s\\n", right, wrong, digits::best(scores, names));
}
"""


@pytest.mark.slow
def test_a_library_for_a_core(models: list[api.QuantizedModel], tmp_path: Path) -> None:
    needs.programs("arm-none-eabi-gcc")
    options = api.BuildOptions(FILES[1], "cortex-m4", output=tmp_path, emit="library")
    api.build(options, model=models[1])
    assert (tmp_path / "lib" / "libhello_sine.a").is_file() and not list(tmp_path.rglob("*.so"))
    objects = _objects(
        "arm-none-eabi-gcc", tmp_path / "o", [tmp_path / "examples" / "example.c"], *M4, f"-I{tmp_path / 'include'}"
    )
    link = ("--specs=nosys.specs", "-nostartfiles", "-Wl,-e,main", "-o", tmp_path / "out.elf")
    _run("arm-none-eabi-gcc", *M4, *objects, tmp_path / "lib" / "libhello_sine.a", *link)
    assert "Libs: -L${libdir} -lhello_sine\n" in (tmp_path / "lib" / "pkgconfig" / "hello_sine.pc").read_text()
    core = ("CMAKE_SYSTEM_NAME=Generic", "CMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY")
    build_project(tmp_path, tmp_path / "again", "CMAKE_C_COMPILER=arm-none-eabi-gcc", *core)
    assert (tmp_path / "again" / "c" / "libhello_sine.a").is_file()
    assert "::shared" not in (tmp_path / "examples" / "CMakeLists.txt").read_text()
