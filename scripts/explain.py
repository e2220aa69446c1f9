"""Explains sound files: what `audioxai explain` does, in a form to copy and change.

    python scripts/explain.py CLIP ... --out DIR

Writes DIR/<stem>/original.wav, reconstruction.wav, explanation.wav, removed.wav, random.wav
and relevance.npy, and prints what the classifier hears in each of them. Clips are padded to
the longest one, so that all of them go through one compiled program.
"""

import argparse
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax import explain_batch, integrated_gradients, pretrained, zero
from audioxai_jax.data.audio import read_clip, write_wav
from audioxai_jax.terminal import add_codec_options

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("clips", type=Path, nargs="+", metavar="CLIP")
parser.add_argument("--out", type=Path, default=Path("explanation"), metavar="DIR")
add_codec_options(parser)
parser.add_argument("--classifier", help="name or path; the one that comes with the codec")
parser.add_argument("--keep", type=float, default=0.1, help="fraction of latent features")
parser.add_argument("--json", type=Path, metavar="FILE", help="write the table's rows here")
options = parser.parse_args()

# Models: functions of one example that carry their parameters.
codec, _ = pretrained.load_codec(options.codec, options.codec_weights)
classifier, _ = pretrained.load_classifier(
    options.classifier or pretrained.default_classifier(codec)
)
pretrained.check_pair(codec, classifier)

# Clips: mono, at the codec's rate, padded with zeros to whole windows of the classifier.
clips = [read_clip(path, codec.sample_rate) for path in options.clips]
window = classifier.frames * codec.hop
length = window * max(-(-len(clip.samples) // window) for clip in clips)
audio = np.stack([np.pad(clip.samples, (0, length - len(clip.samples))) for clip in clips])

# The explanation of all clips at once: every leaf of the result has the clips as first axis.
found = explain_batch(
    codec,
    classifier,
    jnp.asarray(audio),
    method=integrated_gradients(steps=64),
    base=zero(),
    keep=options.keep,
    key=jax.random.key(0),
)

HEARD = ("original", "explanation", "removed", "reconstruction", "random")
rows = []
for index, clip in enumerate(clips):
    folder = options.out / clip.path.stem
    folder.mkdir(parents=True, exist_ok=True)
    write_wav(folder / "original.wav", clip.samples, codec.sample_rate)
    for name, sound in found.sounds.items():
        samples = np.asarray(sound[index, : len(clip.samples)])
        write_wav(folder / f"{name}.wav", samples, codec.sample_rate)
    np.save(folder / "relevance.npy", found.relevance[index])

    row = {"clip": clip.path.name}
    for name in HEARD:
        logits = found.logits[name][index]
        best = int(jnp.argmax(logits))
        probability = float(jax.nn.softmax(logits)[best])
        row[name] = f"{classifier.labels[best]} {probability:.0%}"
    rows.append(row)

for row in [dict(zip(rows[0], rows[0])), *rows]:
    print("  ".join(f"{value:20}" for value in row.values()).rstrip())
if options.json:
    options.json.write_text(json.dumps(rows, indent=2) + "\n")
