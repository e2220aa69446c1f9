"""Lyra V2 against its released files in TensorFlow Lite's runtime, on real recordings.

The files round late parts of the encoder and early parts of the decoder to 8 bits. How far that
takes the runtime from the floating point network depends on how its kernels round: its own sets
of kernels differ from each other about as much as the network differs from them. That it is the
rounding and nothing else is shown by `lyra_int8`: one walk through the graph, which is the
network when it does not round, and the runtime when it does.
"""

from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest

litert = pytest.importorskip("ai_edge_litert.interpreter", reason="needs ai-edge-litert")

from ai_edge_litert import schema_py_generated as schema  # noqa: E402

from audioxai_jax.metrics.audio_quality import si_sdr  # noqa: E402
from audioxai_jax.nets.codecs import lyra  # noqa: E402
from audioxai_jax.nets.codecs.lyra import LyraConfig  # noqa: E402
from audioxai_jax.nets.layers import quantiser  # noqa: E402
from audioxai_jax.weights.published import tflite  # noqa: E402
from audioxai_jax.weights.published.lyra import load_params  # noqa: E402
from tests.helpers import lyra_int8  # noqa: E402
from tests.helpers.real_clips import real_clips  # noqa: E402

ENCODER, DECODER, QUANTIZER = "soundstream_encoder.tflite", "lyragan.tflite", "quantizer.tflite"
HOP = 320
Kernels = litert.OpResolverType
KERNELS = {
    "default": Kernels.BUILTIN,
    "builtin": Kernels.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "reference": Kernels.BUILTIN_REF,
}


@pytest.fixture(scope="module")
def clips(data_root):
    """20 recordings, without their last part of a frame."""
    found = {}
    for dataset, count in (("speech_commands", 7), ("fsdd", 7), ("tess", 6)):
        for name, sound in real_clips(data_root, dataset, count).items():
            found[f"{dataset}/{name}"] = sound[: len(sound) // HOP * HOP]
    return found


def interpreter(path: Path, kernels: str):
    return litert.Interpreter(
        str(path), num_threads=1, experimental_op_resolver_type=KERNELS[kernels]
    )


def stream(path: Path, kernels: str, calls: np.ndarray) -> np.ndarray:
    """What a fresh interpreter returns, call by call: `[calls, values]`."""
    runtime = interpreter(path, kernels)
    runtime.allocate_tensors()
    (enter,), (leave,) = runtime.get_input_details(), runtime.get_output_details()
    outputs = []
    for values in calls:
        runtime.set_tensor(enter["index"], values.reshape(enter["shape"]).astype(np.float32))
        runtime.invoke()
        outputs.append(runtime.get_tensor(leave["index"]).ravel().copy())
    return np.stack(outputs)


def coded(path: Path, latent: np.ndarray):
    """The runtime's codes `[F, 46]` of a latent, and what it makes of them."""
    runtime = interpreter(path, "default")
    encode, decode = (runtime.get_signature_runner(name) for name in ("encode", "decode"))
    codes, latents = [], []
    for values in latent:
        found = encode(input_frames=values[None, None], num_quantizers=np.int32(46))["output_0"]
        codes.append(found.ravel().copy())
        latents.append(decode(encoding_indices=found)["output_0"].ravel().copy())
    return np.stack(codes), np.stack(latents)


@pytest.fixture(scope="module")
def runtime(lyra_folder, clips):
    """Per set of kernels the latents, and the sounds of the default one's latents."""
    latents = {
        kernels: [
            stream(lyra_folder / ENCODER, kernels, x.reshape(-1, HOP)) for x in clips.values()
        ]
        for kernels in KERNELS
    }
    sounds = {
        kernels: [stream(lyra_folder / DECODER, kernels, z).ravel() for z in latents["default"]]
        for kernels in KERNELS
    }
    return latents, sounds


@pytest.fixture(scope="module")
def ours(lyra_folder, clips, runtime):
    """The network's latents, the sounds of the runtime's latents, and its quantiser."""
    params, _ = load_params(lyra_folder)
    latents, _ = runtime
    return {
        "latents": together(partial(lyra.encode, LyraConfig(), params), list(clips.values())),
        "sounds": together(partial(lyra.decode, LyraConfig(), params), latents["default"]),
        "codebooks": params["codebooks"],
    }


def together(function, arrays):
    """Applies a causal function to arrays of several lengths: filled with zeros, then cut."""
    results = np.asarray(jax.jit(jax.vmap(function))(filled(arrays)))
    longest = max(map(len, arrays))
    lengths = [len(x) * results.shape[1] // longest for x in arrays]
    return [result[:length] for result, length in zip(results, lengths, strict=True)]


def filled(arrays) -> np.ndarray:
    longest = max(map(len, arrays))
    fill = lambda x: np.pad(x, [(0, longest - len(x)), *[(0, 0)] * (x.ndim - 1)])
    return np.stack([fill(x) for x in arrays])


@pytest.fixture(scope="module")
def walked(lyra_folder, clips, runtime):
    """Latents and sounds of the walk through the graphs, with and without rounding."""
    encoder, decoder = (tflite.read(lyra_folder / name)[0] for name in (ENCODER, DECODER))
    latents, sounds = {}, {}
    for rounding in (False, True):
        calls = filled(list(clips.values())).reshape(len(clips), -1, HOP)
        found = lyra_int8.run(encoder, calls, rounding=rounding)
        latents[rounding] = [z[: len(x) // HOP] for z, x in zip(found, clips.values(), strict=True)]
        calls = filled(runtime[0]["default"])
        found = lyra_int8.run(decoder, calls, rounding=rounding).reshape(len(clips), -1)
        sounds[rounding] = [y[: len(x)] for y, x in zip(found, clips.values(), strict=True)]
    return latents, sounds


def errors(found, wanted) -> np.ndarray:
    pairs = zip(found, wanted, strict=True)
    return np.array([np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in pairs])


def sdr(found, wanted) -> np.ndarray:
    pairs = zip(found, wanted, strict=True)
    return np.array([float(si_sdr(np.float32(a), np.float32(b))) for a, b in pairs])


def codes_of(codebooks, latents):
    return together(partial(quantiser.quantise, codebooks), latents)


def test_constants(lyra_folder):
    """The reader against the runtime's own schema: all constants, scales and operations."""
    count = 0
    for name in (ENCODER, DECODER, QUANTIZER):
        model = schema.Model.GetRootAs((lyra_folder / name).read_bytes(), 0)
        for number, graph in enumerate(tflite.read(lyra_folder / name)):
            theirs = model.Subgraphs(number)
            assert len(graph.tensors) == theirs.TensorsLength()
            assert len(graph.operations) == theirs.OperatorsLength()
            for index, tensor in enumerate(graph.tensors):
                other = theirs.Tensors(index)
                assert tensor.name == other.Name().decode()
                quantised = other.Quantization()
                if tensor.scale.size:
                    assert np.array_equal(tensor.scale, quantised.ScaleAsNumpy())
                    assert np.array_equal(tensor.zero_point, quantised.ZeroPointAsNumpy())
                    assert tensor.axis == quantised.QuantizedDimension()
                raw = model.Buffers(other.Buffer()).DataAsNumpy()
                if tensor.data is None:
                    assert isinstance(raw, int) or not raw.size
                else:
                    assert tensor.data.tobytes() == raw.tobytes()
                    count += 1
            for index, operation in enumerate(graph.operations):
                other = theirs.Operators(index)
                inputs = other.InputsAsNumpy() if other.InputsLength() else []
                assert operation.inputs == tuple(inputs)
    assert count == 531


def test_quantiser_is_equal_to_the_last_bit(lyra_folder, runtime, ours):
    for latent in runtime[0]["default"][::4]:
        codes, latents = coded(lyra_folder / QUANTIZER, latent)
        assert np.array_equal(quantiser.quantise(ours["codebooks"], latent), codes)
        assert np.array_equal(quantiser.dequantise(ours["codebooks"], codes), latents)


def test_the_graph_without_rounding_is_the_network(walked, ours):
    latents, sounds = walked
    assert errors(latents[False], ours["latents"]).max() < 1e-5
    assert errors(sounds[False], ours["sounds"]).max() < 1e-5


def test_the_graph_with_rounding_is_the_runtime(walked, runtime):
    """Single values lie so close to halves that single precision decides: few clips differ."""
    latents, sounds = walked
    found = errors(latents[True], runtime[0]["default"])
    assert np.sum(found < 1e-6) >= 16 and found.max() < 0.03
    assert np.sum(sdr(sounds[True], runtime[1]["default"]) > 60) >= 14


def test_the_network_differs_as_the_runtimes_kernels_do(clips, runtime, ours, walked):
    latents, sounds = runtime
    columns = {
        "latent error: network": errors(ours["latents"], latents["default"]),
        "builtin": errors(latents["builtin"], latents["default"]),
        "reference": errors(latents["reference"], latents["default"]),
        "rounded": errors(walked[0][True], latents["default"]),
        "sound SI-SDR: network": sdr(ours["sounds"], sounds["default"]),
        "builtin ": sdr(sounds["builtin"], sounds["default"]),
        "reference ": sdr(sounds["reference"], sounds["default"]),
        "rounded ": sdr(walked[1][True], sounds["default"]),
    }
    theirs = codes_of(ours["codebooks"], latents["default"])
    for name, other in (("network", ours["latents"]), ("builtin", latents["builtin"])):
        pairs = zip(codes_of(ours["codebooks"], other), theirs, strict=True)
        columns[f"same codes: {name}"] = np.array([np.mean(a == b) for a, b in pairs])
    print()
    print(" | ".join(["clip", *columns]))
    for index, name in enumerate(clips):
        print(" | ".join([name, *(f"{column[index]:.3g}" for column in columns.values())]))
    print(" | ".join(["median", *(f"{np.median(c):.3g}" for c in columns.values())]))
    mine, builtin = columns["latent error: network"], columns["builtin"]
    # At full scale hundreds of values leave the range of 8 bits: all kernels clip them alike.
    full_scale = np.array([np.abs(sound).max() > 0.99 for sound in clips.values()])
    assert np.sum(full_scale) <= 1 and mine[~full_scale].max() < 0.1
    assert np.median(mine) < 1.3 * np.median(builtin)
    mine, builtin = columns["sound SI-SDR: network"], columns["builtin "]
    assert np.median(mine) > np.median(builtin) - 3
    mine, builtin = columns["same codes: network"], columns["same codes: builtin"]
    assert np.median(mine) > np.median(builtin) - 0.1


@pytest.mark.parametrize("dataset", ["speech_commands", "fsdd", "tess"])
def test_the_network_is_as_good_a_codec(data_root, lyra_folder, dataset):
    """Round trips of 20 recordings through both, without the quantiser and with all of it."""
    params, _ = load_params(lyra_folder)
    encode, decode = (partial(f, LyraConfig(), params) for f in (lyra.encode, lyra.decode))
    restore = lambda codes: quantiser.dequantise(params["codebooks"], codes)
    clips = [x[: len(x) // HOP * HOP] for x in real_clips(data_root, dataset, 20).values()]
    latents = {
        "network": together(encode, clips),
        "runtime": [
            stream(lyra_folder / ENCODER, "default", x.reshape(-1, HOP)).astype(np.float32)
            for x in clips
        ],
    }
    for stages in (0, 46):
        medians = {}
        for name, found in latents.items():
            if stages:
                found = together(restore, codes_of(params["codebooks"], found))
            if name == "network":
                sounds = together(decode, found)
            else:
                sounds = [stream(lyra_folder / DECODER, "default", z).ravel() for z in found]
            medians[name] = np.median(sdr(sounds, clips))
        told = ", ".join(f"{name} {median:.1f} dB" for name, median in medians.items())
        print(f"\n{dataset}, {stages} stages, median SI-SDR: {told}")
        assert medians["network"] > medians["runtime"] - 0.3
