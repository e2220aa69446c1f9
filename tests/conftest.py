"""Fixtures shared by all tests."""

import os
from pathlib import Path

import hypothesis
import jax
import pytest

collect_ignore = ["snippets"]  # scripts, run by test_bring_your_own.py

REPO = Path(__file__).resolve().parents[1]
MAPS = 20_000
"""A third of what Linux allows a process, by default."""

hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")


def pytest_addoption(parser):
    parser.addoption("--optimised", action="store_true", help="compile as users do: a third longer")
    parser.addoption("--full-size", action="store_true", help="full networks, more graphs")
    parser.addoption("--method", help="FILE.py:FUNCTION, for attribution/test_conformance.py alone")
    parser.addoption("--claims", default="", help="of that method, see CLAIMS there")


@pytest.fixture(scope="session", autouse=True)
def compiler(request):
    """Compiling takes far longer than running here, and optimising a good part of it."""
    jax.config.update("jax_disable_most_optimizations", not request.config.getoption("optimised"))


@pytest.fixture(scope="module", autouse=True)
def compiled_programs():
    """Thousands of programs fill a process's table of memory maps, and it crashes."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > MAPS:
        jax.clear_caches()


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory):
    """What tests prepare and compile goes to a folder of this run, shared by its processes."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield


@pytest.fixture
def key():
    return jax.random.key(0)


@pytest.fixture
def x64():
    """Double precision, for identities that hold exactly."""
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="session")
def repo() -> Path:
    """The folder of the checkout."""
    return REPO


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Real recordings: AUDIOXAI_DATA, else the folder beside the checkout."""
    folder = Path(os.environ.get("AUDIOXAI_DATA") or REPO.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no recordings: {folder} does not exist, set AUDIOXAI_DATA")
    return folder


@pytest.fixture(scope="session")
def shared_weights() -> Path:
    """Other projects' pretrained weights, in the folder beside the checkout."""
    folder = REPO.parent / "shared" / "weights"
    if not folder.is_dir():
        pytest.skip(f"no weights of other projects: {folder} does not exist")
    return folder
