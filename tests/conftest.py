"""Fixtures shared by all tests."""

import contextlib
import ctypes
import gc
import os
from pathlib import Path

import hypothesis
import jax
import pytest

collect_ignore_glob = ["helpers/*", "oracles/encodec_full_size.py"]

REPO = Path(__file__).resolve().parents[1]
QUICK = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"

MAPS = 25_000
"""Fewer than half of what Linux allows a process, where the library begins to make room."""
ROOM_MB = 1_000
"""Memory above which compiled programs are dropped."""
MOST_MB = 2_000
"""What a process of the default test command may take."""

hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")


def pytest_addoption(parser):
    parser.addoption("--optimised", action="store_true", help="compile as users do: a third longer")
    parser.addoption("--full-size", action="store_true", help="full networks, more graphs")
    parser.addoption("--method", help="FILE.py:FUNCTION, for attribution/test_conformance.py alone")
    parser.addoption("--claims", default="", help="of that method, see helpers/claims.py")


def pytest_configure(config):
    """Compiling takes far longer than running here, and optimising a good part of it."""
    config.addinivalue_line("markers", "full_size: runs with --full-size only")
    if config.getoption("optimised"):
        return
    jax.config.update("jax_disable_most_optimizations", True)
    if jax.lib.__version__.startswith("0.10."):  # others may not know these options, and stop
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {QUICK}".strip()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    if not config.getoption("full_size"):
        left_out = [item for item in items if item.get_closest_marker("full_size")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("full_size")]


def pytest_collection_finish():
    """What is imported stays: the garbage collector needs not look through it, nor so often."""
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.fixture(scope="module", autouse=True)
def compiled_programs():
    """Thousands of programs fill a process's table of memory maps, and it crashes."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > MAPS:
        drop_programs()


@pytest.fixture(autouse=True)
def memory(compiled_programs):
    """After each test, as looking costs nothing; what tests hold themselves cannot be dropped."""
    yield
    if memory_mb("VmRSS") > max(ROOM_MB, HELD_MB[0] + ROOM_MB // 4):
        drop_programs()
        HELD_MB[0] = memory_mb("VmRSS")


HELD_MB = [0]
"""Memory that was left when programs were last dropped."""


def drop_programs():
    """Gives their memory back to the system, too."""
    jax.clear_caches()
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # of glibc
        ctypes.CDLL(None).malloc_trim(0)


def memory_mb(field: str) -> int:
    """A line of Linux's account of this process, 0 elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(f"{field}:"))


def pytest_testnodedown(node):
    """A worker of xdist tells how much memory it took."""
    PEAKS_MB[node.gateway.id] = getattr(node, "workeroutput", {}).get("peak_mb", 0)


PEAKS_MB: dict[str, int] = {}


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    peak = memory_mb("VmHWM")
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["peak_mb"] = peak
        return
    PEAKS_MB["main"] = peak
    default = session.config.args_source is pytest.Config.ArgsSource.TESTPATHS
    default &= not session.config.getoption("full_size")
    if default and max(PEAKS_MB.values()) > MOST_MB:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter):
    over = "; too much" * (max(PEAKS_MB.values()) > MOST_MB)
    told = ", ".join(f"{name} {peak}" for name, peak in PEAKS_MB.items())
    terminalreporter.write_line(f"peak memory, MB: {told} (at most {MOST_MB}{over})")


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


@pytest.fixture(scope="module")
def optimised(request):
    """Compiled as users do: gradients of real models take up to 40 times as long otherwise."""
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    usual = request.config.getoption("optimised")
    jax.config.update("jax_disable_most_optimizations", not usual)


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


@pytest.fixture(scope="session")
def lyra_folder() -> Path:
    """Lyra V2's released files: AUDIOXAI_LYRA, else in the folder beside the checkout."""
    folder = Path(os.environ.get("AUDIOXAI_LYRA") or REPO.parent / "shared" / "weights" / "lyra_v2")
    if not folder.is_dir():
        pytest.skip(f"no weights of Lyra V2: {folder} does not exist, set AUDIOXAI_LYRA")
    return folder
