"""Hugging Face folders: what is there is read, anything else is refused in one line."""

import hashlib
import json
import sys
import types

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from audioxai_jax.weights.file_format import WeightsError
from audioxai_jax.weights.published import huggingface
from tests.helpers.refusals import refusal

TENSORS = {
    "layers.0.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "layers.0.bias": np.zeros((), np.float32),
}
CONTENT = safetensors.numpy.save(TENSORS)
REPOSITORY = "someone/a-codec"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "toy"}')
    (tmp_path / "model.safetensors").write_bytes(CONTENT)
    return tmp_path


def test_a_folder_comes_back_as_it_is(folder):
    found = huggingface.read_folder(folder)
    assert found.fields == {"model_type": "toy"}
    assert found.tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        np.testing.assert_array_equal(found.tensors[name], tensor, strict=True)
    assert found.sha256 == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "compression_state_dict.bin", "a.th", "a.PT", "a.pth", "a.ckpt"]
)
def test_pickles_alone_are_refused_with_the_reason(folder, name):
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(b"\x80\x04.")
    message = refusal(WeightsError, huggingface.read_folder, folder)
    assert f"holds {name} and no model.safetensors" in message
    assert "they run any code" in message and "save it there as safetensors" in message


def test_a_pickle_beside_the_tensors_is_left_alone(folder):
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    assert huggingface.read_folder(folder).tensors.keys() == TENSORS.keys()


@pytest.mark.parametrize("name", ["model.safetensors.index.json", "model-00001-of-2.safetensors"])
def test_a_split_model_is_refused(folder, name):
    (folder / "model.safetensors").unlink()
    (folder / name).write_text("{}")
    assert f"split over several files ({name})" in refusal(
        WeightsError, huggingface.read_folder, folder
    )


def test_missing_files_are_named(folder):
    (folder / "config.json").unlink()
    message = refusal(WeightsError, huggingface.read_folder, folder)
    assert f"{folder / 'config.json'}: cannot be read: No such file" in message
    (folder / "model.safetensors").unlink()
    assert f"{folder}: holds no model.safetensors" == refusal(
        WeightsError, huggingface.read_folder, folder
    )
    assert "is not a folder" in refusal(WeightsError, huggingface.read_folder, folder / "none")


@pytest.mark.parametrize(
    "text, said",
    [
        (b"{", "is not JSON"),
        (b"", "is not JSON"),
        (b"\xff\xfe\xfa", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[1]", "is not a configuration: a list"),
        (b"null", "is not a configuration: a NoneType"),
    ],
)
def test_a_configuration_that_is_none_is_refused(folder, text, said):
    (folder / "config.json").write_bytes(text)
    message = refusal(WeightsError, huggingface.read_folder, folder)
    assert said in message and "config.json" in message


@pytest.mark.parametrize("kind", [np.float16, np.float64, np.int8, np.int64, bool])
def test_other_types_are_refused(kind):
    content = safetensors.numpy.save({**TENSORS, "odd": np.ones(3).astype(kind)})
    message = refusal(WeightsError, huggingface.parse_tensors, content, "m")
    assert message.startswith("m: 'odd' is ") and "expected F32" in message


def test_bfloat16_is_refused_too():
    """As numpy has no such type, the file is written by hand."""
    header = b'{"odd": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}'
    content = len(header).to_bytes(8, "little") + header + bytes(4)
    assert "'odd' is BF16" in refusal(WeightsError, huggingface.parse_tensors, content, "m")


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_numbers_that_are_none_are_refused(value):
    content = safetensors.numpy.save({**TENSORS, "odd": np.array([0, value], np.float32)})
    assert "'odd' holds NaN or infinity" in refusal(
        WeightsError, huggingface.parse_tensors, content, "m"
    )


def test_every_cut_is_noticed():
    for length in range(len(CONTENT)):
        assert "m: is damaged, cut" in refusal(
            WeightsError, huggingface.parse_tensors, CONTENT[:length], "m"
        )


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_a_changed_byte_gives_tensors_or_one_line(place, change):
    content = bytearray(CONTENT)
    content[place] ^= change
    try:
        found = huggingface.parse_tensors(bytes(content), "m")
    except WeightsError as error:
        assert "\n" not in str(error) and str(error).startswith("m: ")
    else:
        assert all(tensor.dtype == np.float32 for tensor in found.values())


@given(st.binary(max_size=64), st.integers(0, 2**64 - 1))
def test_made_up_headers_give_one_line(text, length):
    assert refusal(
        WeightsError, huggingface.parse_tensors, length.to_bytes(8, "little") + text, "m"
    )


@given(
    st.lists(st.integers(-1, 2**64), max_size=3),
    st.lists(st.integers(-1, 2**64), min_size=1, max_size=3),
    st.sampled_from(["F32", "F4", "", "f32"]),
)
def test_sizes_that_lie_cost_nothing(shape, offsets, dtype):
    fields = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
    header = json.dumps({"a": fields}).encode()
    content = len(header).to_bytes(8, "little") + header + bytes(4)
    try:
        assert huggingface.parse_tensors(content, "m")["a"].size == 1
    except WeightsError as error:
        assert "\n" not in str(error)


def test_names_that_are_repositories_and_those_that_are_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights").mkdir()
    for text in ("facebook/encodec_24khz", "a/b", "A-1/b.c"):
        assert huggingface.is_repository(text)
    for text in (
        "weights/encodec",
        "weights",
        "./a/b",
        "../a/b",
        "/a/b",
        "a/b/c",
        "a//b",
        "a/",
        "~/b",
        "a/../b",
        "a b/c",
        ".",
        "",
    ):
        assert not huggingface.is_repository(text)


@pytest.fixture
def hub(monkeypatch):
    """A stand-in for huggingface_hub, whose download is what a test says."""
    module = types.ModuleType("huggingface_hub")
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)
    return module


def test_a_repository_is_downloaded_without_its_other_files(hub, folder):
    asked = []

    def snapshot_download(repository, *, allow_patterns):
        asked.append((repository, sorted(allow_patterns)))
        return str(folder)

    hub.snapshot_download = snapshot_download
    assert huggingface.fetch(REPOSITORY) == folder
    files = ["config.json", "model.safetensors", "model.safetensors.index.json"]
    assert asked == [(REPOSITORY, files)]


COMMAND = f"hf download {REPOSITORY} config.json model.safetensors --local-dir a-codec"


@pytest.mark.parametrize("error", [ConnectionError, OSError, ValueError, RuntimeError])
def test_without_a_network_the_command_is_said(hub, error):
    def snapshot_download(*_, **__):
        raise error("no route\nto host")

    hub.snapshot_download = snapshot_download
    message = refusal(WeightsError, huggingface.fetch, REPOSITORY)
    assert f"cannot be downloaded ({error.__name__}: no route to host)" in message
    assert COMMAND in message


def test_without_the_hubs_package_the_command_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    message = refusal(WeightsError, huggingface.fetch, REPOSITORY)
    assert "pip install 'audioxai_jax[hub]', or" in message and COMMAND in message
