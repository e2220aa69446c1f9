"""AttnLRP against its authors' own code, LXT 2.1, on a torch transformer: ours by `read_torch`.

The network of the zoo is torch's own encoder. LXT has no rule for that layer, so its forward pass
is written here in LXT's functions (`lxt.explicit`), of the module's own parameters: epsilon for
dense layers and sums, the uniform rule for products of matrices, Taylor's for softmax, the
identity for GELU. For layer norms it has two: the identity of Proposition 3.4, which is our
`attn_lrp`, and the linear operation that a norm is once its deviation is given, which is our
`latent_transformer`.

`lxt.efficient` (2.1) does not import beside transformers 5. LXT's requirements are not needed:
`pip install --no-deps lxt==2.1`. Both sides hardly stabilise: LXT adds its epsilon whatever the
sign is, ours moves denominators away from zero.
"""

import jax
import numpy as np
import pytest

from audioxai_jax import lrp
from audioxai_jax.propagation import PRESETS
from tests.helpers.bridge_pairs import TARGET, torch, zoo_sides
from tests.helpers.captum_networks import difference
from tests.helpers.torch_zoo.attention import HEADS, WIDTH, positions

lf = pytest.importorskip(
    "lxt.explicit.functional", reason="LXT is not installed: pip install --no-deps lxt==2.1"
)
lr = pytest.importorskip("lxt.explicit.rules", reason="LXT is not installed")

TINY = 1e-14


def linear(x, weight, bias):
    return lf.linear_epsilon(x, weight, bias, TINY)


def plain_norm(x, norm):
    """The linear operation: LXT's own layer norm, whose epsilon is a default of the function."""
    return lf.layer_norm_grad_fn.apply(x, norm.weight, norm.bias, norm.eps, TINY)


def identity_norm(x, norm):
    return lr.identity(norm, x)


def attend(x, attention):
    """Self-attention of heads, without the projection's softmax being seen as a gate."""
    split = lambda y: y.unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(-3, -2)
    weights, biases = attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3)
    query, key, value = (split(linear(x, w, b)) for w, b in zip(weights, biases, strict=True))
    scores = lf.matmul(query, key.transpose(-1, -2), False, TINY)
    scores = lf.mul2(scores, torch.tensor((WIDTH // HEADS) ** -0.5, dtype=x.dtype))
    mixed = lf.matmul(lf.softmax(scores, -1), value, False, TINY)
    out = attention.out_proj
    return linear(mixed.transpose(-3, -2).flatten(-2), out.weight, out.bias)


def forward(net, x, norm):
    """The network of the zoo, in LXT's functions."""
    embed = net.embed  # a convolution whose windows do not overlap is a dense layer of each
    patches = x[:, 0].unfold(-1, 4, 4).transpose(1, 2).flatten(2)
    h = linear(patches, embed.weight.flatten(1), embed.bias)
    h = lf.add2(h, positions(h.shape[1], h).expand_as(h), False, TINY)
    for layer in net.encoder.layers:
        h = lf.add2(h, attend(norm(h, layer.norm1), layer.self_attn), False, TINY)
        inner = linear(norm(h, layer.norm2), layer.linear1.weight, layer.linear1.bias)
        inner = linear(
            lr.identity(torch.nn.functional.gelu, inner), layer.linear2.weight, layer.linear2.bias
        )
        h = lf.add2(h, inner, False, TINY)
    h = lf.mean(norm(h, net.norm), 1, False, TINY)
    return linear(h, net.out.weight, net.out.bias)


NORMS = {"attn_lrp": identity_norm, "latent_transformer": plain_norm}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("preset", NORMS)
def test_attn_lrp_equals_that_of_its_authors(preset, dtype, request):
    if dtype == "float64":
        request.getfixturevalue("x64")
    sides = zoo_sides("transformer, pre-norm", dtype)
    rows = sides.rows
    logits = forward(sides.net, rows, NORMS[preset])
    assert difference(logits.detach().numpy(), sides.net(rows)) < 1e-5
    start = torch.zeros_like(logits)
    start[0, TARGET] = logits[0, TARGET].detach()
    (wanted,) = torch.autograd.grad(logits, rows, start)
    ours = sides.run(lrp(PRESETS[preset](epsilon=TINY, absolute=True)), jax.random.key(0))
    apart = difference(ours, wanted)
    print(f"{preset}, {dtype}: differs by {apart:.1e}")
    assert np.isfinite(apart) and apart < {"float64": 1e-9, "float32": 1e-3}[dtype]
