"""Are the methods sane? What an explanation must pass before its pictures are believed.

    python scripts/sanity.py --data DIR --out runs/sanity --clips 100
    python scripts/sanity.py --data DIR --out runs/sanity --methods lrp saliency occlusion

Every method that explains a classifier's latents without settings of its own is asked, for the
classifier's own prediction on clips of the `test` part:

  over random   how much sooner the prediction's probability falls if the most relevant features
                are set to zero first, rather than random ones: the difference of the areas under
                the deletion curves, with its 95 % bootstrap interval over clips. It passes if the
                interval lies above 0;
  random layers how alike relevance stays if the parameters of the top layer, and of all layers,
                are permuted (each part of the clips has a draw of its own): the median over clips
                of the absolute rank correlation. It passes if that is below 0.2 after all, as two
                maps then share less than 4 % of the variance of their ranks. Beside it stands
                the same of absolute values, which stays high for all methods that multiply by the
                input, whatever the network;
  other class   the median rank correlation with relevance for another class;
  sensitivity   the largest relative change of relevance within a tenth of the latent's rms;
  sparseness    Gini's index of absolute relevance.

Printed is a Markdown table; `<out>` gets `sanity.json` and the clips that are done: the same
command goes on where it was killed, and more methods can be added to it.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from tqdm import tqdm

from audioxai_jax import METHODS, attribute_batch, map_examples, plugins, pretrained
from audioxai_jax.data import tasks
from audioxai_jax.files import replace_file
from audioxai_jax.metrics.areas import deletion_auc
from audioxai_jax.metrics.bootstrap import bootstrap_interval
from audioxai_jax.metrics.complexity import sparseness
from audioxai_jax.metrics.correlation import rank_correlation
from audioxai_jax.metrics.randomisation import choose, other_class, redraw, stages
from audioxai_jax.named_methods import named_method
from audioxai_jax.runs.parts import Parts
from audioxai_jax.terminal import add_codec_options, one_line, positive
from audioxai_jax.types import attribute

RADIUS = 0.1
"""Of the ball of max-sensitivity, in rms of the clip's latent."""
SENSITIVITY_SAMPLES = 5
ALIKE = 0.2
"""Median rank correlation from which on relevance is said to ignore the parameters."""
TOGETHER = 10
"""Clips of a part, which share a draw of random parameters."""
CHECKS = ("area", "random_area", "top", "top_absolute", "all", "all_absolute", "other",
          "sensitivity", "sparseness")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default=os.environ.get("AUDIOXAI_DATA"), help="data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder of this run")
    add_codec_options(parser)
    parser.add_argument("--classifier", help="name or path; the one that comes with the codec")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), help="or FILE.py:FUNCTION")
    parser.add_argument("--clips", type=positive, default=100)
    parser.add_argument("--draws", type=positive, default=5, help="of random rankings, per clip")
    parser.add_argument("--chunk", type=positive, help="evaluations at once; as many as fit")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data DIR, or AUDIOXAI_DATA, must name the folder of data sets")

    codec, codec_manifest = pretrained.load_codec(options.codec, options.codec_weights)
    options.classifier = options.classifier or pretrained.default_classifier(codec)
    classifier, manifest = pretrained.load_classifier(options.classifier)
    pretrained.check_pair(codec, classifier)
    clips = tasks.load(options.data, manifest["task"], rate=codec.sample_rate)
    clips = clips.part(manifest["split"], "test")
    if options.clips < len(clips):
        clips = clips[np.linspace(0, len(clips) - 1, options.clips).round().astype(int)]
    key = jax.random.key(options.seed)
    latents = map_examples(encode, codec, clips.audio, key=key)
    settings = {name: getattr(options, name) for name in ("draws", "seed")}
    settings |= {
        "weights": [codec_manifest["sha256"], manifest["sha256"]],
        "clips": clips.file.tolist(),
    }
    names, changed = stages(classifier.model, latents[0])
    rows, refused = [], {}
    for name in options.methods:
        method, told = named_method(name)
        reason = refusal(method, classifier.model, latents[0])
        if reason:
            refused[name] = reason
            continue
        used = plugins.digest(name) if plugins.is_plugin(name) else str(told)
        parts = Parts(options.out / "parts" / name.replace("/", "_"), settings | {"method": used})
        starts = range(0, len(latents), TOGETHER)
        found = [
            parts.get(
                start,
                lambda start=start, method=method: judge(
                    method, classifier.model, latents[start : start + TOGETHER], changed,
                    jax.random.fold_in(key, start), options,
                ),
            )
            for start in tqdm(starts, name, mininterval=2)
        ]  # fmt: skip
        found = {check: np.concatenate([part[check] for part in found]) for check in CHECKS}
        rows.append({"method": name, **summary(found, key)})
    print_table(rows, refused, len(clips), names)
    about = {"settings": {k: str(v) for k, v in vars(options).items()}, "layers": names}
    table = about | {"rows": rows, "refused": refused}
    replace_file(options.out / "sanity.json", json.dumps(table, indent=1).encode())


def encode(codec, clip, key):
    del key
    return codec.encode(clip.astype(jnp.float32) / 32768)


def refusal(method, model, latent: Array) -> str:
    """Why a method cannot explain this classifier without settings, "" if it can."""
    try:
        jax.eval_shape(
            lambda x: attribute(method, model, x, jnp.int32(0), key=jax.random.key(0)), latent
        )
    except ValueError as error:
        return str(error).split("\n")[0]
    return ""


def judge(method, model, latents: Array, changed: np.ndarray, key: Array, options) -> dict:
    """Every check on a part of the clips, `[N]` each; a method draws alike in all of them."""
    method_key, noise_key, redraw_key, class_key, random_key = jax.random.split(key, 5)
    chunk = options.chunk or "auto"
    logits = jax.vmap(model)(latents)
    targets = jnp.argmax(logits, axis=1)

    def explain(x: Array, targets: Array, model=model) -> Array:
        return attribute_batch(method, model, x, targets, key=method_key, chunk=chunk).relevance

    relevance = explain(latents, targets)
    redrawn = redraw(model, redraw_key)
    top, whole = (
        explain(latents, targets, choose(model, redrawn, changed[stage])) for stage in (0, -1)
    )
    keys = jax.random.split(class_key, len(latents))
    others = jax.vmap(other_class, (0, None, 0))(targets, logits.shape[1], keys)
    draws = jax.random.normal(random_key, (options.draws, *latents.shape))
    areas = [area_of(model, latents, targets, draw) for draw in draws]

    size = jnp.sqrt(jnp.mean(latents**2, axis=(1, 2), keepdims=True))
    changes = []
    for sample in range(SENSITIVITY_SAMPLES):
        noise = jax.random.uniform(
            jax.random.fold_in(noise_key, sample), latents.shape, minval=-1, maxval=1
        )
        near = explain(latents + RADIUS * size * noise, targets)
        changes.append(norm(near - relevance) / norm(relevance))
    return {
        "area": area_of(model, latents, targets, relevance),
        "random_area": jnp.mean(jnp.stack(areas), axis=0),
        "top": alike(relevance, top),
        "top_absolute": alike(jnp.abs(relevance), jnp.abs(top)),
        "all": alike(relevance, whole),
        "all_absolute": alike(jnp.abs(relevance), jnp.abs(whole)),
        "other": alike(relevance, explain(latents, others)),
        "sensitivity": jnp.max(jnp.stack(changes), axis=0),
        "sparseness": jax.vmap(sparseness)(relevance),
    }


alike = jax.jit(jax.vmap(rank_correlation))


def area_of(model, latents: Array, targets: Array, scores: Array) -> Array:
    """Areas under deletion curves, `[N]`."""
    given = (latents, scores, targets)
    return map_examples(area, model, given, key=jax.random.key(0))


def area(model, example, key: Array) -> Array:
    del key
    return deletion_auc(model, *example)


def norm(values: Array) -> Array:
    return jnp.sqrt(jnp.sum(values**2, axis=(1, 2)))


def summary(found: dict, key: Array) -> dict:
    """Medians over clips, and what passes; clips without a number are counted and left out."""
    over = found["random_area"] - found["area"]
    low, high = bootstrap_interval(jnp.asarray(over), jax.random.fold_in(key, 1))
    middle = {name: middle_of(np.abs(found[name])) for name in CHECKS[2:6]}
    middle |= {name: middle_of(found[name]) for name in CHECKS[6:]}
    return {
        "over_random": float(np.mean(over)),
        "over_random_low": float(low),
        "over_random_high": float(high),
        **middle,
        "beats_random": bool(low > 0),
        "depends_on_parameters": middle["all"] < ALIKE,
        "undefined": {name: int(np.sum(np.isnan(found[name]))) for name in CHECKS},
    }


def middle_of(values: np.ndarray) -> float:
    values = values[~np.isnan(values)]
    return float(np.median(values)) if values.size else float("nan")


def print_table(rows: list[dict], refused: dict, clips: int, layers: tuple[str, ...]) -> None:
    """As Markdown, ready for a README."""
    print(f"\n{clips} clips; layers drawn anew: {layers[0]} alone, and all {len(layers)}\n")
    print_row("", "over random, points", "beats it", "top layer random", "all random",
              f"below {ALIKE}", "all random, absolute values", "other class", "max-sensitivity",
              "sparseness")  # fmt: skip
    print("|---" * 10 + "|")
    for row in rows:
        ends = (row["over_random"], row["over_random_low"], row["over_random_high"])
        over, low, high = (f"{100 * value:+.1f}" for value in ends)
        print_row(
            row["method"],
            f"{over} ({low} to {high})",
            "yes" if row["beats_random"] else "no",
            f"{row['top']:.2f}",
            f"{row['all']:.2f}",
            "yes" if row["depends_on_parameters"] else "no",
            *(f"{row[name]:.2f}" for name in ("all_absolute", "other")),
            f"{row['sensitivity']:.2g}",
            f"{row['sparseness']:.2f}",
        )
    for name, reason in refused.items():
        print(f"\n{name} needs settings: {reason}")
    for row in rows:
        missing = {name: number for name, number in row["undefined"].items() if number}
        if missing:
            told = ", ".join(f"{name} on {number}" for name, number in missing.items())
            print(f"\n{row['method']} is undefined on clips: {told}")


def print_row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    sys.exit(one_line(main))
