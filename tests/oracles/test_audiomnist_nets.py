"""AudioNet and AlexNet beside the authors' layers in torch: the same weights, the same logits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.nets.classifiers import alexnet, audionet

torch = pytest.importorskip("torch")
F = torch.nn.functional


def of(params, name, convolution=False):
    """Weights and biases of a layer in torch's layout, double precision."""
    kernel = np.asarray(params[name]["kernel"], np.float64)
    kernel = np.moveaxis(kernel, (-1, -2), (0, 1)) if convolution else kernel.T
    return torch.tensor(kernel.copy()), torch.tensor(np.asarray(params[name]["bias"], np.float64))


def their_audionet(params, x):
    x = torch.tensor(x)[None, None]
    for i in range(6):
        x = F.relu(F.conv1d(x, *of(params, f"conv_{i}", True), padding=1))
        x = F.max_pool1d(x, 2 if i else 3, 2, ceil_mode=True)
    x = x.transpose(1, 2).reshape(-1)
    for name in ("dense_0", "dense_1", "logits"):
        x = F.linear(x, *of(params, name))
    return x.numpy()


def their_alexnet(params, x):
    pool = lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True)
    x = torch.tensor(x)[None, None]
    x = pool(F.relu(F.conv2d(x, *of(params, "conv_0", True), stride=4)))
    x = pool(F.relu(F.conv2d(x, *of(params, "conv_1", True), padding=2, groups=2)))
    x = F.relu(F.conv2d(x, *of(params, "conv_2", True), padding=1))
    x = F.relu(F.conv2d(x, *of(params, "conv_3", True), padding=1, groups=2))
    x = pool(F.relu(F.conv2d(x, *of(params, "conv_4", True), padding=1, groups=2)))
    x = x.permute(0, 2, 3, 1).reshape(-1)
    for name in ("dense_0", "dense_1"):
        x = F.relu(F.linear(x, *of(params, name)))
    return F.linear(x, *of(params, "logits")).numpy()


@pytest.mark.parametrize(
    "net, config, theirs, shape",
    [
        (audionet, audionet.AudioNetConfig(), their_audionet, 8000),
        (alexnet, alexnet.AlexNetConfig(), their_alexnet, (227, 227)),
    ],
)
def test_the_same_logits(x64, net, config, theirs, shape):
    params = net.init(config, jax.random.key(0))
    random = np.random.default_rng(0)
    params = jax.tree.map(lambda p: jnp.asarray(p + 0.01 * random.normal(size=p.shape)), params)
    x = random.normal(size=shape)
    wanted = theirs(params, x)
    found = jax.jit(net.apply, static_argnums=0)(config, params, jnp.asarray(x))
    print(f"{net.__name__}: logits differ by {np.abs(found - wanted).max() / np.ptp(wanted):.1e}")
    np.testing.assert_allclose(found, wanted, atol=1e-11 * np.ptp(wanted))
