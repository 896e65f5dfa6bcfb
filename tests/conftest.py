"""Fixtures of the whole suite."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgeq.codegen.cmsis_nn import HEADER, VERSION, is_copy

CHECKOUT = Path(__file__).resolve().parent.parent


def _beside_checkout(name: str) -> Path:
    found = CHECKOUT.parent / "shared" / name
    if not found.is_dir():
        pytest.skip(f"the benchmark {name} are not beside this checkout (../shared/{name})")
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
        pytest.skip(f"no copy of CMSIS-NN {VERSION} was given with --cmsis-nn-root DIR")
    if not is_copy(found):
        pytest.fail(f"--cmsis-nn-root: {found} is no copy of CMSIS-NN: there is no {HEADER}")
    return found.resolve()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the suite."""
    parser.addoption(
        "--cmsis-nn-root",
        type=Path,
        metavar="DIR",
        help="a copy of Arm's CMSIS-NN, for the tests of --kernels cmsis-nn",
    )
    parser.addoption(
        "--require-cross", action="store_true", help="fail, not skip, where the Arm compiler or QEMU is absent"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip tests in the emulator where there is none, unless it is required."""
    missing = [tool for tool in ("arm-none-eabi-gcc", "qemu-system-arm") if shutil.which(tool) is None]
    if not missing:
        return
    if config.getoption("--require-cross"):
        raise pytest.UsageError(f"--require-cross: {' and '.join(missing)} not found on the PATH")
    skip = pytest.mark.skip(reason=f"{' and '.join(missing)} not found on the PATH")
    for item in items:
        if item.get_closest_marker("qemu"):
            item.add_marker(skip)
