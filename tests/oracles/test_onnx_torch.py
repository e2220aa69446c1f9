"""Torch networks through ONNX: numbers, gradients, the operations that LRP sees, names."""

import collections
import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

import audioxai_jax as ax
from audioxai_jax.models.bridges.onnx import read_onnx
from audioxai_jax.propagation.lowering.lower import every_operation

torch = pytest.importorskip("torch")
SAMPLES = 1600


class Convolutional(torch.nn.Module):
    """Convolutions with batch, group and instance norm, and pooling."""

    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(
            *(torch.nn.Conv1d(1, 8, 9, stride=4, padding=4), torch.nn.BatchNorm1d(8)),
            *(torch.nn.ReLU(), torch.nn.Conv1d(8, 8, 5, groups=2), torch.nn.GroupNorm(4, 8)),
            *(torch.nn.GELU(), torch.nn.MaxPool1d(3, 2), torch.nn.Conv1d(8, 8, 3, dilation=2)),
            *(torch.nn.InstanceNorm1d(8, affine=True), torch.nn.SiLU()),
            *(torch.nn.AdaptiveAvgPool1d(1), torch.nn.Flatten(), torch.nn.Linear(8, 5)),
        )

    def forward(self, x):
        return self.net(x[:, None])


class Transformer(torch.nn.Module):
    """One encoder layer between a convolution and a dense layer."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv1d(1, 16, 32, stride=32)
        self.layer = torch.nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        self.head = torch.nn.Linear(16, 5)

    def forward(self, x):
        hidden = self.conv(x[:, None]).transpose(1, 2)
        return self.head(self.layer(hidden).mean(1))


class Spectral(torch.nn.Module):
    """A mel-like spectrogram inside the network."""

    def __init__(self):
        super().__init__()
        self.register_buffer("window", torch.hann_window(128))
        self.register_buffer("bands", torch.rand(65, 12))
        self.conv = torch.nn.Conv2d(1, 4, 3)
        self.head = torch.nn.Linear(4, 5)

    def forward(self, x):
        spectrum = torch.stft(x, 128, 64, window=self.window, return_complex=True)
        level = torch.log(spectrum.abs().pow(2).transpose(1, 2) @ self.bands + 1e-3)
        return self.head(torch.relu(self.conv(level[:, None])).mean((2, 3)))


class Recurrent(torch.nn.Module):
    """A bidirectional LSTM of two layers and a GRU."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv1d(1, 8, 32, stride=16)
        self.lstm = torch.nn.LSTM(8, 6, 2, batch_first=True, bidirectional=True)
        self.gru = torch.nn.GRU(12, 6, batch_first=True)
        self.head = torch.nn.Linear(6, 5)

    def forward(self, x):
        hidden, _ = self.lstm(self.conv(x[:, None]).transpose(1, 2))
        hidden, _ = self.gru(hidden)
        return self.head(hidden[:, -1])


NETWORKS = {net.__name__: net for net in (Convolutional, Transformer, Spectral, Recurrent)}
AUDIO = np.random.default_rng(0).standard_normal(SAMPLES)


def one(model, x):
    return model(x[None])[0]


def made(name):
    """A network in double precision with statistics and biases that are not trivial."""
    torch.manual_seed(0)
    net = NETWORKS[name]().double().eval()
    with torch.no_grad():
        for tensor in (*net.parameters(), *net.buffers()):
            if tensor.ndim == 1 and tensor.is_floating_point():
                tensor.add_(0.1 * torch.rand_like(tensor))
    return net


@pytest.fixture(scope="module")
def networks():
    """Modules and the bytes of their files, by name."""
    found = {}
    for name in NETWORKS:
        net, file = made(name), io.BytesIO()
        example = torch.zeros(1, SAMPLES, dtype=torch.float64)
        torch.onnx.export(net, (example,), dynamo=True, optimize=False, verbose=False).save(file)
        found[name] = net, file.getvalue()
    return found


pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_and_gradients_are_those_of_torch(networks, name):
    net, file = networks[name]
    x = torch.tensor(AUDIO[None], requires_grad=True)
    expected = net(x)
    expected[0, 2].backward()
    with jax.enable_x64(True):
        model = Partial(one, read_onnx(file))
        outputs = np.asarray(model(jnp.asarray(AUDIO)))
        gradient = np.asarray(jax.grad(lambda x: model(x)[2])(jnp.asarray(AUDIO)))
    theirs = expected[0].detach().numpy()
    scale = np.abs(theirs).max()
    np.testing.assert_allclose(outputs / scale, theirs / scale, rtol=0, atol=1e-9)
    theirs = x.grad[0].numpy()
    scale = np.abs(theirs).max()
    np.testing.assert_allclose(gradient / scale, theirs / scale, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", NETWORKS)
def test_names_of_parameters_survive(networks, name):
    net, file = networks[name]
    wanted = {n for n, _ in net.named_parameters() if not n.startswith(("lstm", "gru"))}
    assert wanted <= set(read_onnx(file).params)


def test_lrp_sees_the_operations_of_a_transformer(networks):
    _, file = networks["Transformer"]
    model = Partial(one, read_onnx(file))
    operations = list(every_operation(model, jnp.asarray(AUDIO, jnp.float32)))
    kinds = collections.Counter(operation.kind for operation in operations)
    expected = {"conv": 1, "dense": 5, "normalise": 2, "softmax": 1, "attention": 1}
    assert {kind: kinds[kind] for kind in expected} == expected
    paths = {(operation.kind, operation.path) for operation in operations}
    assert {
        ("conv", "conv.weight"),
        ("dense", "layer.self_attn.in_proj_weight"),
        ("dense", "layer.self_attn.out_proj.weight"),
        ("dense", "layer.linear1.weight"),
        ("dense", "layer.linear2.weight"),
        ("normalise", "layer.norm1.weight"),
        ("normalise", "layer.norm2.weight"),
        ("dense", "head.weight"),
    } <= paths


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("composite", ["epsilon_plus", "attn_lrp"])
def test_lrp_runs(networks, name, composite):
    model = Partial(one, read_onnx(networks[name][1]))
    x = jnp.asarray(AUDIO, jnp.float32)
    attribution = ax.attribute(ax.lrp(composite), model, x, 2, key=jax.random.key(0))
    assert bool(attribution.info["finite"])
    assert float(jnp.abs(attribution.relevance).max()) > 0


def test_recurrent_layers_are_one_scan_a_direction(networks):
    jaxpr = jax.make_jaxpr(read_onnx(networks["Recurrent"][1]))(AUDIO[None].astype(np.float32))
    names = [str(equation.primitive) for equation in jaxpr.eqns]
    assert names.count("scan") == 5 and len(names) < 300
