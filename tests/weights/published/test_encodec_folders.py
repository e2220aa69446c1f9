"""EnCodec's folders as codecs: every member is read, a wrong one is refused, tiny weights."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.nets.codecs.encodec_members import MEMBERS
from audioxai_jax.weights import file_format, load
from audioxai_jax.weights.file_format import WeightsError
from audioxai_jax.weights.published.codecs import read_published
from audioxai_jax.weights.published.table import PUBLISHED
from tests.helpers import encodec_folders
from tests.helpers.refusals import refusal
from tests.helpers.rows import rows


def test_the_table_says_what_the_configurations_do():
    for name, config in MEMBERS.items():
        entry, frames = PUBLISHED[name], config.sample_rate / config.hop
        facts = (config.sample_rate, frames, config.channels)
        assert (entry.sample_rate, entry.frames, entry.channels) == facts


OTHERS = ("encodec_48khz", "encodec_32khz", "encodec_16khz")


@pytest.mark.parametrize("name", rows(encodec_folders.MEMBERS, full_size=OTHERS))
def test_every_member_is_read_and_converted(tmp_path, name):
    codec, params = read_published(name, encodec_folders.write(tmp_path, name))
    assert (codec.name, codec.sample_rate) == (name, MEMBERS[name].sample_rate)
    latent = jax.eval_shape(codec.encode, jax.ShapeDtypeStruct((700,), jnp.float32))
    assert latent.shape == (-(-700 // codec.hop), 5 if name == "encodec_48khz" else 4)
    assert jax.eval_shape(codec.decode, latent).shape == (latent.shape[0] * codec.hop,)
    file_format.write(tmp_path / "ours", name, codec.manifest, params)
    again = load.load_codec(tmp_path / "ours" / name)
    assert again.fingerprint == codec.fingerprint
    assert jax.tree.structure(again) == jax.tree.structure(codec)  # one compilation for both
    for ours, theirs in zip(jax.tree.leaves(again), jax.tree.leaves(codec), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_another_member_is_named(tmp_path):
    folder = encodec_folders.write(tmp_path, "encodec_24khz")
    message = refusal(WeightsError, load.load_codec, "encodec_32khz", folder)
    assert "a codec of 24000 Hz, encodec_32khz works at 32000 Hz: is it encodec_24khz?" in message


def test_tensors_and_fields_that_do_not_fit_are_named(tmp_path):
    def put(**changes):
        folder = encodec_folders.write(tmp_path, "encodec_24khz", **changes)
        message = refusal(WeightsError, load.load_codec, "encodec_24khz", folder)
        assert message.startswith(f"{folder}: ")
        return message

    last = "decoder.layers.15.conv.bias"
    assert f"{last!r}: is missing" in put(**{last: None})
    assert "'extra'" in put(extra=np.zeros(1, np.float32))
    assert f"{last!r}: is float32 [2], expected float32 [1]" in put(**{last: np.ones(2, "f4")})
    folder = encodec_folders.write(tmp_path, "encodec_24khz")
    (folder / "config.json").write_text(json.dumps({"model_type": "dac"}))
    message = refusal(WeightsError, load.load_codec, "encodec_24khz", folder)
    assert message.startswith(f"{folder}: config.json: model_type is 'dac'")


@pytest.mark.parametrize(
    "name, value",
    [
        ("num_residual_layers", 10**9),
        ("num_residual_layers", 10**400),
        ("sampling_rate", 10**400),
        ("chunk_length_s", 10**400),
        ("target_bandwidths", [float("inf")]),
        ("hidden_size", 10**9),
        ("upsampling_ratios", [10**9]),
        ("num_lstm_layers", 10**9),
        ("codebook_size", 10**9),
    ],
)
def test_impossible_numbers_are_refused_at_once(tmp_path, name, value):
    folder = encodec_folders.write(tmp_path, "encodec_24khz")
    fields = encodec_folders.fields("encodec_24khz") | {name: value}
    (folder / "config.json").write_text(json.dumps(fields))
    message = refusal(WeightsError, load.load_codec, "encodec_24khz", folder)
    assert message.startswith(f"{folder}: config.json: {name} is ") and len(message) < 300
