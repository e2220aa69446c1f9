"""What is said of modules, examples and names that do not fit: what to do."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("onnxscript", reason="needs onnxscript")

from torch import nn  # noqa: E402

from audioxai_jax.models.bridges.errors import BridgeError  # noqa: E402
from audioxai_jax.models.bridges.onnx import from_onnx  # noqa: E402
from audioxai_jax.models.bridges.pytorch import from_torch  # noqa: E402
from tests.helpers.refusals import refusal  # noqa: E402

RATE, SAMPLES = 16_000, 160


class Waves(nn.Module):
    """Of `[B, T]`."""

    def __init__(self, channels=1):
        super().__init__()
        self.net = nn.Conv1d(channels, 4, 9, stride=3)
        self.head = nn.Linear(4, 3)

    def forward(self, wave):
        batch, _ = wave.shape
        return self.head(torch.relu(self.net(wave.reshape(batch, 1, -1))).mean(-1))


class Stereo(Waves):
    def __init__(self):
        super().__init__(2)

    def forward(self, wave):
        return self.head(torch.relu(self.net(wave)).mean(-1))


class Exact(nn.Module):
    """Of floating point alone."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(SAMPLES, 2)

    def forward(self, wave):
        return self.head(wave)


ONE = torch.zeros(1, SAMPLES)
EXAMPLES = {
    "no batch": (
        Waves,
        torch.zeros(SAMPLES),
        "Waves: the example [160] has no axis of a batch: the example is a batch of one, such as "
        "torch.zeros(1, 16000)",
    ),
    "four": (Waves, torch.zeros(4, SAMPLES), "a batch of 4: export the module with a batch of one"),
    "stereo": (
        Stereo,
        torch.zeros(1, 2, SAMPLES),
        "takes 2 channels: wrap it in a module that takes one waveform",
    ),
    "whole": (
        Waves,
        ONE.short(),
        "(int16), and a waveform is floating point: give example.fl",
    ),
    "whole, as is": (Exact, ONE.long(), "Exact: the argument 'wave' holds whole numbers (int64)"),
    "numpy": (Waves, ONE.numpy(), "give a tensor: torch.from_numpy("),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_that_do_not_fit_are_told_what_to_be(name):
    make, example, said = EXAMPLES[name]
    assert said in refusal(BridgeError, from_torch, make().eval(), example, sample_rate=RATE)


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: Waves().state_dict(), "call module.load_state_dict(weights), and give the module"),
        (lambda: "models/whole.pt", "a path was given (whole.pt): build the module"),
        (lambda: Waves, "the class Waves was given: give a module of it, Waves(..)"),
    ],
)
def test_what_is_no_module_yet_is_told_how_to_become_one(make, said):
    assert said in refusal(BridgeError, from_torch, make(), ONE, sample_rate=RATE)


def test_names_that_do_not_exist_are_told_beside_those_that_do():
    refused = lambda **names: refusal(
        BridgeError, from_torch, Waves().eval(), ONE, sample_rate=RATE, **names
    )
    said = refused(input="wav")
    assert said.startswith("Waves.forward has no argument 'wav': the example gives it wave; of the")
    said = refused(output="output_1")
    assert "has no tensor 'output_1': it has one output (output): leave output= away" in said


@pytest.mark.parametrize("old", [False, True])
def test_a_file_of_torch_save_is_not_taken_for_onnx(tmp_path, old):
    file = tmp_path / "whole.pt"
    torch.save(Waves().state_dict(), file, _use_new_zipfile_serialization=not old)
    said = refusal(BridgeError, from_onnx, file, sample_rate=RATE)
    assert "is a file of torch.save, not of ONNX: write a function that builds the module" in said
    assert "torch:FILE.py:FUNCTION" in said


def test_numbers_of_another_package_are_no_tensors():
    example = {"wave": np.zeros((1, SAMPLES), np.float32)}
    assert "'wave' of the example is a ndarray" in refusal(
        BridgeError, from_torch, Waves().eval(), example, sample_rate=RATE
    )
