"""Fixtures of the whole suite."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import needs
import pytest
from hypothesis import HealthCheck, settings

from edgeq.codegen import esp_nn
from edgeq.codegen.cmsis_nn import HEADER, VERSION, is_copy

settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")  # no result hangs on how fast a machine is, or how busy
CHECKOUT = Path(__file__).resolve().parent.parent
CCACHE = {
    "CCACHE_DIR": str(Path(tempfile.gettempdir()) / "edgeq-tests-ccache"),
    "CCACHE_BASEDIR": tempfile.gettempdir(),  # the same file in two build folders is the same file
    "CCACHE_NOHASHDIR": "1",
    "CCACHE_MAXSIZE": "1G",
}
"""Most programs of the tests have kernels in common, which need not be compiled each time."""


def _beside_checkout(name: str) -> Path:
    found = CHECKOUT.parent / "shared" / name
    if not found.is_dir():
        pytest.skip(f"{needs.OPTIONAL}the benchmark {name} are not beside this checkout (../shared/{name})")
    return found


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder of the benchmark's models; the test is skipped where it is absent."""
    return _beside_checkout("models")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the benchmark's data; the test is skipped where it is absent."""
    return _beside_checkout("data")


@pytest.fixture(scope="session")
def cmsis_nn_root(request: pytest.FixtureRequest) -> Path:
    """A copy of CMSIS-NN; the test is skipped where none was given."""
    found: Path | None = request.config.getoption("--cmsis-nn-root")
    if found is None:
        pytest.skip(f"{needs.OPTIONAL}no copy of CMSIS-NN {VERSION} was given with --cmsis-nn-root DIR")
    if not is_copy(found):
        pytest.fail(f"--cmsis-nn-root: {found} is no copy of CMSIS-NN: there is no {HEADER}")
    return found.resolve()


@pytest.fixture(scope="session")
def esp_nn_root(request: pytest.FixtureRequest) -> Path:
    """A copy of ESP-NN; the test is skipped where none was given."""
    found: Path | None = request.config.getoption("--esp-nn-root")
    if found is None:
        pytest.skip(f"{needs.OPTIONAL}no copy of ESP-NN {esp_nn.VERSION} was given with --esp-nn-root DIR")
    if not esp_nn.is_copy(found):
        pytest.fail(f"--esp-nn-root: {found} is no copy of ESP-NN: there is no {esp_nn.HEADER}")
    return found.resolve()


@pytest.fixture(scope="session")
def svd_root(request: pytest.FixtureRequest) -> Path:
    """A folder with CMSIS-SVD files; the test is skipped where none was given."""
    found: Path | None = request.config.getoption("--svd-root")
    if found is None:
        pytest.skip(f"{needs.OPTIONAL}no folder with CMSIS-SVD files was given with --svd-root DIR")
    return found


@pytest.fixture(scope="session")
def schemas(request: pytest.FixtureRequest) -> Path:
    """A folder with PACK.xsd of Open-CMSIS-Pack and library.json of PlatformIO; the test is skipped without one."""
    found: Path | None = request.config.getoption("--schemas")
    if found is None:
        pytest.skip(
            f"{needs.OPTIONAL}no folder with PACK.xsd and PlatformIO's library.json was given with --schemas DIR"
        )
    return found.resolve()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the suite."""
    parser.addoption(
        "--rp2040js",
        type=Path,
        metavar="DIR",
        help="a folder in which npm has installed rp2040js, for the test that a UF2 file boots in it",
    )
    parser.addoption(
        "--svd-root",
        type=Path,
        metavar="DIR",
        help="a folder with CMSIS-SVD files, such as a copy of cmsis-svd-data, for the tests of simulated boards",
    )
    parser.addoption(
        "--schemas",
        type=Path,
        metavar="DIR",
        help="a folder with PACK.xsd of Open-CMSIS-Pack-Spec and library.json (platformio/assets/schema) of "
        "platformio-core, for tests of --emit, which also need the packages xmlschema and jsonschema",
    )
    parser.addoption(
        "--esp-nn-root",
        type=Path,
        metavar="DIR",
        help="a copy of Espressif's ESP-NN, for the tests of --kernels esp-nn",
    )
    parser.addoption(
        "--cmsis-nn-root",
        type=Path,
        metavar="DIR",
        help="a copy of Arm's CMSIS-NN, for the tests of --kernels cmsis-nn",
    )
    parser.addoption(
        "--full",
        action="store_true",
        help="what is tried a few times is tried as often as `make fuzz` does it",
    )
    parser.addoption(
        "--require-cross",
        action="store_true",
        help="fail where a compiler, an emulator or a package is absent, in place of skipping what needs it",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Say at once what is missing where everything must be there."""
    absent = needs.missing(*(name for name in needs.HOW if name not in needs.SPARED))
    if absent and config.getoption("--require-cross"):
        raise pytest.UsageError(f"--require-cross: {absent}")
    if ccache := shutil.which("ccache"):
        ours = {**CCACHE, "CMAKE_C_COMPILER_LAUNCHER": ccache}
        os.environ |= {name: value for name, value in ours.items() if name not in os.environ}
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("HOME", "")
    if not os.access(home, os.W_OK):  # where zig keeps what it has compiled, and does not run without
        os.environ.setdefault("ZIG_GLOBAL_CACHE_DIR", str(Path(tempfile.gettempdir()) / "edgeq-tests-zig"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests whose marks name programs that are absent."""
    for mark, programs in needs.MARKS.items():
        if reason := needs.missing(*programs):
            for item in items:
                if item.get_closest_marker(mark):
                    item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything must be there, a test fails that is skipped without being optional."""
    report = yield
    _fail_if_skipped(report, item.config)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for whole files."""
    report = yield
    _fail_if_skipped(report, collector.config)
    return report


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport, config: pytest.Config) -> None:
    if not (report.skipped and isinstance(report.longrepr, tuple) and config.getoption("--require-cross")):
        return
    reason = report.longrepr[2].removeprefix("Skipped: ")
    if not reason.startswith(needs.OPTIONAL):
        report.outcome, report.longrepr = "failed", f"--require-cross: skipped, but not optional: {reason}"
