"""Subjects in their own runtime: each package's preprocessing written out again, then onnxruntime.

Everything takes a clip `[T]` and returns what the package's own function returns for it, before
its last sigmoid where a subject's logits are asked for. No package is imported.
"""

import functools

import numpy as np
import onnxruntime

from audioxai_jax.models.subjects.protocol import package_file

FRAME, CONTEXT = 512, 64
"""Silero VAD's samples per frame, and those of the frame before it that are read again."""
MOS = np.array(
    [
        [-0.08397278, 1.22083953, 0.0052439],
        [-0.13166888, 1.60915514, -0.39604546],
        [-0.06766283, 1.11546468, 0.04602535],
    ]
)
"""DNSMOS: coefficients of the parabolas of SIG, BAK and OVR, highest power first."""
CHUNK = 1_280
"""openWakeWord's samples per step."""
OVERLAP = 30 * 256
"""basic-pitch's samples that two windows share."""


@functools.cache
def session(package: str, name: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = str(package_file(package, name, install=package))
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def silero_vad(clip: np.ndarray) -> np.ndarray:
    """Probability of speech in each frame `[F]`, frame by frame, by the streaming file."""
    vad = session("silero_vad", "data/silero_vad.onnx")
    frames = np.pad(clip, (0, -len(clip) % FRAME)).reshape(-1, FRAME).astype(np.float32)
    state, context, heard = np.zeros((2, 1, 128), np.float32), np.zeros(CONTEXT, np.float32), []
    for frame in frames:
        given = np.concatenate([context, frame])[None]
        rate = np.array(16_000, np.int64)
        value, state = vad.run(None, {"input": given, "state": state, "sr": rate})
        context = frame[-CONTEXT:]
        heard.append(value[0, 0])
    return np.array(heard)


def swift_f0(clip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pitch in Hz and confidence of each frame, `[F]` both; its rule for silence left out."""
    lowest, highest = np.array(46.875, np.float32), np.array(2093.75, np.float32)
    given = {"audio": clip[None].astype(np.float32), "fmin": lowest, "fmax": highest}
    pitch, confidence = session("swift_f0", "model.onnx").run(["pitch", "confidence"], given)
    return pitch[0], confidence[0]


def dnsmos(clip: np.ndarray) -> np.ndarray:
    """SIG, BAK and OVR `[3]`: the mean over windows of 9.01 s that begin a second apart."""
    judge, length = session("speechmos", "dnsmos_models/sig_bak_ovr.onnx"), int(9.01 * 16_000)
    while len(clip) < length:
        clip = np.append(clip, clip)
    scores = []
    for start in range(int(np.floor(len(clip) / 16_000) - 9.01) + 1):
        window = clip[start * 16_000 : int((start + 9.01) * 16_000)]
        if len(window) == length:
            raw = judge.run(None, {"input_1": window[None].astype(np.float32)})[0][0]
            scores.append([np.polyval(*pair) for pair in zip(MOS, raw, strict=True)])
    return np.mean(scores, axis=0)


def openwakeword(clip: np.ndarray, word: str) -> np.ndarray:
    """Scores of each step `[steps, K]` of a clip between two seconds of silence, as it streams."""
    folder = "resources/models"
    mel = session("openwakeword", f"{folder}/melspectrogram.onnx")
    embedding = session("openwakeword", f"{folder}/embedding_model.onnx")
    head = session("openwakeword", f"{folder}/{word}_v0.1.onnx")
    port, silence = head.get_inputs()[0], np.zeros(16_000, np.float32)
    sound = np.concatenate([silence, np.round(clip * 32_768).astype(np.float32), silence])
    as_mel = lambda samples: mel.run(None, {"input": samples[None]})[0].squeeze() / 10 + 2
    embed = lambda window: embedding.run(None, {"input_1": window[None, :, :, None]})[0].reshape(96)
    rows = np.ones((76, 32), np.float32)
    features = [embed(as_mel(np.zeros(160_000, np.float32))[:76])] * 116
    scores = []
    for start in range(0, len(sound) - CHUNK, CHUNK):
        rows = np.vstack([rows, as_mel(sound[max(0, start - 480) : start + CHUNK])])
        features.append(embed(rows[-76:].astype(np.float32)))
        given = np.stack(features[-port.shape[1] :])[None]
        scores.append(head.run(None, {port.name: given})[0][0])
    return np.array(scores)


def basic_pitch(clip: np.ndarray) -> np.ndarray:
    """Activation of each of 88 notes in each frame `[F, 88]`, windows joined as it does."""
    listener = session("basic_pitch", "saved_models/icassp_2022/nmp.onnx")
    sound, frames = np.concatenate([np.zeros(OVERLAP // 2), clip]), []
    for start in range(0, len(sound), 43_844 - OVERLAP):
        window = sound[start : start + 43_844]
        window = np.pad(window, (0, 43_844 - len(window)))[None, :, None].astype(np.float32)
        given = {"serving_default_input_2:0": window}
        frames.append(listener.run(["StatefulPartitionedCall:1"], given)[0][0, 15:-15])
    return np.concatenate(frames)[: int(np.floor(len(clip) * 86 / 22_050))]
