"""SEANet against the EnCodec of `transformers`, with the same random weights, in float64."""

import dataclasses

import jax
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch and transformers: the extra 'oracles'")
transformers = pytest.importorskip("transformers", reason="needs the extra 'oracles'")

from audioxai_jax.nets import seanet  # noqa: E402
from audioxai_jax.nets.seanet import SeanetConfig  # noqa: E402

CONFIGS = {
    "causal": SeanetConfig(latent=16, filters=4),
    "two strides": SeanetConfig(latent=16, filters=4, strides=(4, 2), lstm=1),
    "two units": SeanetConfig(latent=8, filters=4, strides=(5, 3), lstm=1, residual_layers=2),
    "not causal": SeanetConfig(latent=8, filters=4, strides=(4, 3), lstm=1, causal=False),
}


def encodec(config: SeanetConfig):
    """The same member of the family, all weights drawn so that outputs are of order one."""
    torch.manual_seed(0)
    model = transformers.EncodecModel(
        transformers.EncodecConfig(
            sampling_rate=config.sample_rate,
            hidden_size=config.latent,
            num_filters=config.filters,
            upsampling_ratios=list(config.strides),
            num_lstm_layers=config.lstm,
            num_residual_layers=config.residual_layers,
            use_causal_conv=config.causal,
            codebook_size=16,
            codebook_dim=config.latent,
        )
    )
    model = model.double().eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "bias" in name:
                value.normal_(0, 0.1)
            elif "original0" in name:
                value.mul_(1.5)
    return model


def conv_params(module, transposed: bool) -> dict:
    """Weight-normalised convolution, torch's (out, in, k) or (in, out, k) to (k, in, out)."""
    weight = module.conv.parametrizations.weight
    order = (2, 0, 1) if transposed else (2, 1, 0)
    arrays = [p.detach().numpy().transpose(order) for p in (weight.original0, weight.original1)]
    return {"scale": arrays[0], "direction": arrays[1], "bias": module.conv.bias.detach().numpy()}


def lstm_params(module) -> dict:
    weights = {name: value.detach().numpy() for name, value in module.lstm.named_parameters()}
    found = {}
    for layer in range(module.lstm.num_layers):
        found[f"enter_{layer}"] = weights[f"weight_ih_l{layer}"].T
        found[f"recur_{layer}"] = weights[f"weight_hh_l{layer}"].T
        found[f"bias_{layer}"] = weights[f"bias_ih_l{layer}"] + weights[f"bias_hh_l{layer}"]
    return found


def params_of(layers, config: SeanetConfig) -> dict:
    """Torch's flat list of layers, under our names."""

    def of_kind(kind):
        return [layer for layer in layers if type(layer).__name__ == kind]

    first, *middle, last = of_kind("EncodecConv1d")
    found = {"enter": conv_params(first, False), "leave": conv_params(last, False)}
    found |= {f"down_{i}": conv_params(layer, False) for i, layer in enumerate(middle)}
    for i, layer in enumerate(of_kind("EncodecConvTranspose1d")):
        found[f"up_{i}"] = conv_params(layer, True)
    for i, layer in enumerate(of_kind("EncodecResnetBlock")):
        block, unit = divmod(i, config.residual_layers)
        inner = [part for part in layer.block if hasattr(part, "conv")]
        names = zip(("first", "second", "shortcut"), (*inner, layer.shortcut), strict=True)
        found[f"residual_{block}_{unit}"] = {n: conv_params(part, False) for n, part in names}
    (lstm,) = of_kind("EncodecLSTM")
    return found | {"lstm": lstm_params(lstm)}


@pytest.mark.parametrize("name", CONFIGS)
def test_values_and_gradients(name):
    config = CONFIGS[name]
    theirs = encodec(config)
    ours = {
        "encoder": params_of(theirs.encoder.layers, config),
        "decoder": params_of(theirs.decoder.layers, config),
    }
    with jax.enable_x64(True):
        fresh = jax.eval_shape(lambda key: seanet.init(config, key), jax.random.key(0))
        assert jax.tree.structure(fresh) == jax.tree.structure(ours)
        encode = jax.jit(lambda x: seanet.encode(config, ours, x))
        decode = jax.jit(lambda z: seanet.decode(config, ours, z))
        pull = jax.jit(lambda x, weight: jax.vjp(encode, x)[1](weight)[0])
        for samples in (1, config.hop - 1, config.hop + 1, 5 * config.hop + 3):
            sound = np.random.default_rng(samples).normal(size=samples)
            audio = torch.tensor(sound, requires_grad=True)
            latent = theirs.encoder(audio[None, None])[0].T
            mine = encode(sound)
            assert close(mine, latent) and np.abs(mine).max() > 1e-3
            weight = np.random.default_rng(1).normal(size=mine.shape)
            (gradient,) = torch.autograd.grad((latent * torch.tensor(weight)).sum(), audio)
            assert close(pull(sound, weight), gradient)

            decoded = theirs.decoder(latent.detach().T[None])[0, 0]
            again = decode(mine)
            assert close(again, decoded[: again.shape[0]])


def close(mine, theirs) -> bool:
    theirs = theirs.detach().numpy()
    return bool(np.abs(np.asarray(mine) - theirs).max() <= 1e-10 * np.abs(theirs).max())


def test_configurations_differ():
    assert len({dataclasses.astuple(config) for config in CONFIGS.values()}) == len(CONFIGS)
