"""Fixtures shared by all tests."""

import contextlib
import ctypes
import gc
import os
import re
from pathlib import Path

import hypothesis
import jax
import pytest

collect_ignore_glob = ["helpers/*", "oracles/encodec_full_size.py"]

REPO = Path(__file__).resolve().parents[1]
QUICK = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
FULL_SIZE = [
    # What a sibling that always runs shows too, or the conformance of all methods does.
    r"test_training_and_evaluation\.py::test_(folds_are_pooled|seanet|codec_classifier_listener)",
    r"test_explain_command\.py::test_compiled_programs_are_kept",
    r"test_batching\.py::test_(eight_devices|chunks_agree_with_single_clips\[random-[137])",
    r"test_audiomnist_clips\.py::test_clips_and_folds\[digit",
    r"test_encodec_folders\.py::test_every_member.*(48|32|16)khz",
    r"test_readme\.py::test_(hypothesis|rule|metrics)_example",
    r"test_training_and_evaluation\.py::test_a_finished_training",
    r"test_windows\.py::test_relevance_stays.*\[0-(5|11|18|20|21)\]",
    r"test_attention_and_recurrence\.py::test_transformer",
    r"test_audiomnist_recipes\.py::test_the_papers_start",
    r"test_batch\.py::test_all_classes_share",
    r"test_wheel\.py::test_explains_the_bundled_clip",
    r"test_examples\.py::test_it_runs\[(flax_linen|with_equinox)",
    r"test_hostile_input\.py::test_a_disk_that_fills_up",
    r"test_shipped\.py::test_(on_real_speech|heads_of_lyra)",
    r"test_synthetic_frequencies\.py::test_relevance_lies_on",
    r"test_heat_maps_page\.py::test_the_script",
    r"test_readme\.py::test_attribution_example",
    r"test_builders\.py::test_real_recordings\[speech_commands",
    r"test_outputs\.py::test_relevance_in_batches\[(frames|margin_against|scalar|label|log)",
    r"test_reproduce_audiomnist\.py::test_everything",
    r"test_reproduce_akman2024\.py::test_(everything|classifiers_are_trained)",
    r"test_splits\.py::test_real_splits",
    r"test_heat_maps_page\.py::test_heat_maps_of_a_network_alone",
    r"test_heat_maps\.py::test_jit_and_vmap_change_nothing",
    r"test_builders\.py::test_real_recordings\[tess",
    r"test_conformance\.py::.*(absolute|normalise|sum_channels|squaregrad|vargrad|gradient_shap)\]",
    r"test_replicas\.py::test_every_rule\[(.*-plain|(dilated|valid|grouped|strided2d)-)",
    r"published/test_codecs\.py::test_a_classifier_is_trained",
    r"nets/codecs/test_encodec\.py::test_(half_precision|many_chunks|opposite|quantised_codec\[config1)",
    r"test_attention_and_recurrence\.py::.*post_norm",
    r"test_conservation\.py::test_the_ledger_of_real_networks\[(cnn|gru|audionet)",
    r"attribution/.*::test_(in_batches|batches_draw_as|ranks_and_types|inputs_of_any_rank)",
    r"attribution/.*::test_chunks_change_nothing\[.*-?(1|64)\]",
    r"test_perturbation_methods\.py::test_standard_errors_are_calibrated\[.*product",
    r"nets/codecs/test_lyra\.py::test_round_trips_of_real_speech\[(fsdd|tess)",
    r"test_smallest_sets\.py::test_the_script",
    r"test_perturbation_methods\.py::test_(memory|half_precision).*\[(lime|rise|shapley)",
    r"test_sanity\.py::test_two_methods",
    r"test_randomisation\.py::test_many_examples",
    r"test_readme\.py::test_(method|batch)_example",
    r"test_examples\.py::test_it_runs\[flax_nnx",
    r"test_batching\.py::test_chunks_agree_with_single_clips\[integrated_gradients-[17]",
    r"test_batch\.py::test_examples_that_are_done_make_room.*\[16",
    r"test_streaming\.py::test_pieces_are_the_whole\[(chunks side by side|two channels)",
    r"test_streaming\.py::test_(windows_of_one_frame\[looks|a_codec_that_was_cast\[chunks)",
    r"test_streaming\.py::test_short_sounds\[7-",
    r"nets/codecs/test_encodec\.py::test_lengths\[100000-encodec_48khz",
    r"test_conservation\.py::test_the_ledger_of_real_networks\[transformer",
    r"test_perturbation_methods\.py::test_chunks_change_nothing\[(lime|shapley)",
    r"test_smoothgrad\.py::test_chunks_change_nothing\[(squaregrad|vargrad)",
    r"test_expected_gradients\.py::test_chunks_change_nothing\[gradient_shap",
    r"test_replicas\.py::test_every_rule\[(conv1d|transposed)-",
    r"propagation/test_random_graphs\.py::",  # which .ci/run always runs, in full
    r"test_bootstrap\.py::test_intervals_of_medians_cover",
    r"test_strict_settings\.py::test_(methods\[(kernel_shap|smoothgrad|rise|over)|shipped_.*\[(r|t))",
    r"test_conformance\.py::test_batches_equal_single.*\[(kernel_shap|lime|rise|shapley_sampling)",
    r"test_conformance\.py::test_completeness_of_shipped_heads\[digits",
    r"test_conformance\.py::test_completeness_of_attention\[(adaptive|over)",
    r"nets/codecs/test_encodec\.py::test_(quantised_codec|a_codec_of_chunks)",
    r"test_batching\.py::test_chunks_agree_with_single_clips\[integrated_gradients-auto",
    r"test_readme\.py::test_composite_example",
    r"test_model_kinds\.py::test_methods_see_the_function_that_the_model_is\[pool",
]
"""Tests that run with --full-size only, as .ci/run does."""

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
    parser.addoption("--claims", default="", help="of that method, see CLAIMS there")


def pytest_configure(config):
    """Compiling takes far longer than running here, and optimising a good part of it."""
    config.addinivalue_line("markers", "full_size: see FULL_SIZE, runs with --full-size only")
    if config.getoption("optimised"):
        return
    jax.config.update("jax_disable_most_optimizations", True)
    if jax.lib.__version__.startswith("0.10."):  # others may not know these options, and stop
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {QUICK}".strip()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    for item in items:
        if any(re.search(pattern, item.nodeid) for pattern in FULL_SIZE):
            item.add_marker("full_size")
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
