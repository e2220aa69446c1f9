"""Modules of PyTorch in JAX: their own outputs and gradients, under their own names."""

import logging
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("onnxscript", reason="needs onnxscript")

from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations  # noqa: E402

from audioxai_jax import domains  # noqa: E402
from audioxai_jax.attribution import integrated_gradients, lrp  # noqa: E402
from audioxai_jax.models.bridges.errors import BridgeError  # noqa: E402
from audioxai_jax.models.bridges.pytorch import from_torch, read_torch  # noqa: E402
from audioxai_jax.propagation import rules  # noqa: E402
from audioxai_jax.propagation.composites import composite, epsilon_plus  # noqa: E402
from audioxai_jax.propagation.patterns import path  # noqa: E402
from audioxai_jax.types import attribute  # noqa: E402

RATE, SAMPLES = 16_000, 400


class Convolutions(nn.Module):
    """Buffers, batch norm, dropout, weight norm, and a dictionary of outputs."""

    def __init__(self):
        super().__init__()
        self.register_buffer("window", torch.hann_window(SAMPLES), persistent=False)
        self.net = nn.Sequential(
            parametrizations.weight_norm(nn.Conv1d(1, 6, 9, stride=3)),
            nn.BatchNorm1d(6),
            nn.GELU(),
            nn.Dropout(0.5),
            nn.Conv1d(6, 8, 5, groups=2),
            nn.ReLU(),
        )
        self.head = nn.Linear(8, 4)

    def forward(self, wave, scale: float = 1.0):
        hidden = self.net((wave * self.window * scale)[:, None])
        return {"scores": self.head(hidden.mean(-1)), "hidden": hidden, "none": None}


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(20, 6, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(12, 3)

    def forward(self, wave):
        hidden, (last, _) = self.rnn(wave.reshape(1, -1, 20))
        return self.head(hidden.mean(1)), last


class Tied(nn.Module):
    """A transformer of tokens and sound, with one matrix for tokens going in and coming out."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(11, 20)
        self.layer = nn.TransformerEncoderLayer(20, 2, 32, batch_first=True)
        self.head = nn.Linear(20, 11, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, wave, ids):
        frames = torch.cat([wave.reshape(1, -1, 20), self.tokens(ids)], 1)
        return self.head(self.layer(frames).mean(1))


def randomised(module):
    """With statistics of batch norm that are not 0 and 1."""
    for name, buffer in module.named_buffers():
        if "running_mean" in name:
            buffer.normal_(0, 0.1)
        elif "running_var" in name:
            buffer.uniform_(0.5, 2)
    return module.eval()


@pytest.fixture
def wave():
    torch.manual_seed(3)
    return torch.randn(1, SAMPLES)


CASES = {
    "convolutions": (Convolutions, "scores"),
    "recurrent": (Recurrent, "output_0"),
    "tied": (Tied, None),
}


@pytest.fixture(params=list(CASES))
def case(request, wave):
    """Module, example, name of the output."""
    torch.manual_seed(1)
    kind, output = CASES[request.param]
    example = (wave, torch.tensor([[3, 1, 4]])) if kind is Tied else wave
    return randomised(kind()), example, output


def scores(module, example, output):
    result = module(*example) if isinstance(example, tuple) else module(example)
    if isinstance(result, dict):
        return result[output]
    return result[0] if isinstance(result, tuple) else result


def test_outputs_and_gradients_are_torchs(case, x64):
    """In double precision, relative to the largest."""
    module, example, output = case
    module.double()
    double = lambda t: t.double() if t.is_floating_point() else t
    example = tuple(map(double, example)) if isinstance(example, tuple) else double(example)
    wave = example[0] if isinstance(example, tuple) else example
    classifier = from_torch(module, example, sample_rate=RATE, output=output)
    assert classifier.frames == SAMPLES
    wave.requires_grad_(True)
    theirs = scores(module, example, output)[0]
    theirs[1].backward()
    x = jnp.asarray(wave.detach().numpy()[0])
    assert x.dtype == jnp.float64
    np.testing.assert_allclose(classifier(x), theirs.detach(), rtol=1e-9, atol=1e-10)
    slope = jax.grad(lambda x: classifier(x)[1])(x)
    expected = wave.grad[0].numpy()
    np.testing.assert_allclose(slope, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


def test_names_values_and_the_world_outside_stay(case, capfd):
    module, example, output = case
    before = {name: value.clone() for name, value in module.state_dict().items()}
    modes = [(part.training, sorted(vars(part))) for part in module.modules()]
    theirs = scores(module, example, output)
    state, level = torch.get_rng_state(), logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = read_torch(module, example)
    assert capfd.readouterr() == ("", "")
    assert torch.equal(state, torch.get_rng_state()) and logging.root.manager.disable == level
    assert modes == [(part.training, sorted(vars(part))) for part in module.modules()]
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert torch.equal(scores(module, example, output), theirs)
    names = {}
    for name, value in module.named_parameters(remove_duplicate=False):
        names.setdefault(id(value), set()).add(name)
    assert all(tied & set(model.params) for tied in names.values())
    tensors = example if isinstance(example, tuple) else (example,)
    results = model(*(tensor.numpy() for tensor in tensors))
    ours = results[0] if isinstance(results, tuple) else results
    np.testing.assert_allclose(ours, theirs.detach(), rtol=2e-5, atol=2e-6)


def test_composites_go_by_the_names(wave):
    module = randomised(Convolutions())
    classifier = from_torch(module, wave, sample_rate=RATE, output="scores")
    entries = [(path("head.weight"), rules.flat()), (path("net.4.weight"), rules.gamma())]
    made = composite(entries, base=epsilon_plus().entries)
    rows = made.table(classifier.model, jnp.asarray(wave[0].numpy())).splitlines()
    for name, rule in (("head.weight", "Flat"), ("net.4.weight", "Gamma")):
        (row,) = [row for row in rows if name in row.split()]
        assert rule in row


def test_methods_run(case):
    module, example, output = case
    classifier = from_torch(module, example, sample_rate=RATE, output=output)
    x = jnp.asarray((example[0] if isinstance(example, tuple) else example)[0].numpy())
    key = jax.random.key(0)
    for method in (integrated_gradients(steps=8), lrp(epsilon_plus())):
        relevance = attribute(method, classifier, x, 1, key=key).relevance
        assert np.isfinite(relevance).all() and relevance.any()


def test_arguments_by_name_and_switches(wave):
    module = randomised(Convolutions())
    theirs = module(wave, scale=0.5)["scores"][0].detach()
    example = {"wave": wave, "scale": 0.5}
    classifier = from_torch(module, example, reads=domains.samples(RATE), output="scores")
    np.testing.assert_allclose(classifier(jnp.asarray(wave[0])), theirs, rtol=2e-5, atol=1e-6)
    model = read_torch(module, example)
    assert [port.name for port in model.inputs] == ["wave"]
    assert [port.name for port in model.outputs] == ["scores", "hidden"]


def test_the_cache_gives_the_same_and_sees_every_change(wave, tmp_path, monkeypatch):
    from audioxai_jax.models.bridges import pytorch_export

    module, calls = randomised(Convolutions()), []
    export = pytorch_export.export
    monkeypatch.setattr(pytorch_export, "export", lambda *a: calls.append(1) or export(*a))
    first = read_torch(module, wave, cache=tmp_path)
    again = read_torch(module, wave, cache=tmp_path)
    assert len(calls) == 1 and first.program == again.program
    with torch.no_grad():
        module.head.bias += 1
    changed = read_torch(module, wave, cache=tmp_path)
    assert len(calls) == 2
    assert np.allclose(changed.params["head.bias"], first.params["head.bias"] + 1)
    read_torch(module, {"wave": wave, "scale": 2.0}, cache=tmp_path)
    assert len(calls) == 3
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:-9])
    read_torch(module, wave, cache=tmp_path)
    assert len(calls) == 4


class Pooled(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Conv1d(1, 5, 7, stride=2)
        self.head = nn.Linear(5, 2)

    def forward(self, wave):
        return torch.softmax(self.head(torch.relu(self.net(wave[:, None])).mean(-1)), -1)


def test_clips_of_any_length_on_request(wave):
    module = Pooled().eval()
    classifier = from_torch(module, wave, sample_rate=RATE, any_length=True, output="logits")
    assert classifier.frames is None and classifier.outputs == "softmax"
    for clip in (torch.randn(1, 31), torch.randn(1, 777)):
        ours = jax.nn.softmax(classifier(jnp.asarray(clip[0].numpy())))
        np.testing.assert_allclose(ours, module(clip)[0].detach(), rtol=1e-5)
    fixed = from_torch(module, wave, sample_rate=RATE)
    assert fixed.frames == SAMPLES and fixed.outputs == "probabilities"


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(SAMPLES, 2)

    def forward(self, wave):
        return self.head(wave) if wave.sum() > 0 else self.head(-wave)


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("state", torch.zeros(1, SAMPLES))

    def forward(self, wave):
        self.state += wave
        return self.state.sum(1)


class Exotic(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.ModuleList([Igamma()])

    def forward(self, wave):
        return self.inner[0](wave)


class Igamma(nn.Module):
    def forward(self, wave):
        return torch.special.gammaincc(wave.abs() + 1, wave.abs() + 2)


class Silent(nn.Module):
    def forward(self, wave):
        return None


def trained():
    module = randomised(Convolutions())
    module.net[1].train()
    return module


@pytest.mark.parametrize(
    "make, message",
    [
        (trained, r"the layer 'net.1' \(BatchNorm1d\) is in training mode: call module.eval"),
        (lambda: randomised(Convolutions()).half(), "is float16.*call module.float"),
        (lambda: randomised(Convolutions()).to("meta"), "is on meta: call module.cpu"),
        (lambda: torch.jit.script(nn.Linear(SAMPLES, 2)), "a TorchScript module"),
        (lambda: torch.sin, "expected a torch.nn.Module"),
        (
            lambda: Branching().eval(),
            r"Branching: an `if` on the sound's values \(in forward, test_torch_bridge.py:\d+\): "
            "write it with torch.where",
        ),
        (lambda: Counting().eval(), "the buffer 'state' changes during a call"),
        (lambda: Exotic().eval(), r"\(operation prims.igammac in 'inner.0', Igamma\)"),
        (lambda: Silent().eval(), "Silent returns no tensors"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")
def test_what_cannot_be_brought_over_is_one_line(make, message, wave):
    with pytest.raises(BridgeError, match=message) as error:
        from_torch(make(), wave, sample_rate=RATE)
    print(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "example, message",
    [
        ({"wav": torch.zeros(1, SAMPLES)}, "no argument 'wav': it has wave"),
        (torch.zeros(1, SAMPLES).half(), "the argument 'wave' is float16: give it as float32"),
        ((torch.zeros(1, SAMPLES), 1.0, 2), "3 arguments, Convolutions.forward takes 2"),
        ({"wave": [1.0, 2.0]}, "'wave' of the example is a list"),
        ({"scale": 1.0}, "the example holds no tensor"),
        (torch.zeros(1, 7), "torch.export cannot follow it"),
        (
            torch.zeros(1, SAMPLES, dtype=torch.int64),
            "'wave' holds whole .* example.float",
        ),
    ],
)
def test_examples_that_do_not_fit_are_one_line(example, message):
    with pytest.raises(BridgeError, match=message) as error:
        from_torch(randomised(Convolutions()), example, sample_rate=RATE)
    assert "\n" not in str(error.value)
