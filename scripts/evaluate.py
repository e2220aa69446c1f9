"""Are the explanations true? Agreement and flips, with controls, on unseen speakers.

    python scripts/evaluate.py --data DIR --json runs/evaluation.json

For each clip of Speech Commands `test` the latent features are ranked by each method, the
most relevant 5 to 40 % are kept, or the most relevant 5 to 20 % deleted, by single feature
or by whole frame. Printed is how often the prediction stays (keep) or flips (delete), with
95 % bootstrap intervals over clips: in the latent, in the sound encoded again, and as the
independent listener hears the sound.
"""

import argparse
import json
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from audioxai_jax import METHODS, iterate_examples, pretrained
from audioxai_jax.data import speech_commands
from audioxai_jax.metrics.bootstrap import bootstrap_interval
from audioxai_jax.metrics.fidelity import agreement, edit_masks
from audioxai_jax.synthesis.replacement import BASES

KEEP = (0.05, 0.1, 0.2, 0.4)
DELETE = (0.05, 0.1, 0.2)
UNITS = ("feature", "frame")
PLACES = ("latent", "sound", "listener")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default=os.environ.get("AUDIOXAI_DATA"), help="data sets")
    parser.add_argument("--codec", default="gainshape_16khz", help="name or path")
    parser.add_argument("--classifier", default="keywords", help="name or path")
    parser.add_argument("--listener", default="listener", help="name or path")
    parser.add_argument("--methods", nargs="+", default=sorted(METHODS), choices=sorted(METHODS))
    parser.add_argument("--base", default="zero", choices=sorted(BASES))
    parser.add_argument(
        "--baseline", default="zero", choices=("zero", "mean"), help="of integrated gradients"
    )
    parser.add_argument("--rank", default="signed", choices=("signed", "absolute"))
    parser.add_argument("--clips", type=int, help="the first so many; all by default")
    parser.add_argument("--split", default="test")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the table's rows here")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data DIR, or AUDIOXAI_DATA, must name the folder of data sets")

    codec, _ = pretrained.load_codec(options.codec)
    classifier, _ = pretrained.load_classifier(options.classifier)
    listener, _ = pretrained.load_listener(options.listener)
    clips = speech_commands.load(options.data, options.split)[: options.clips]
    shared = {
        "codec": codec,
        "classifier": classifier.model,
        "listener": listener,
        "methods": {name: make_method(name, codec, options) for name in options.methods},
        "base": BASES[options.base](),
        "keep": jnp.asarray(KEEP),
        "delete": jnp.asarray(DELETE),
    }
    judge = {"signed": judge_signed, "absolute": judge_absolute}[options.rank]
    parts = iterate_examples(judge, shared, clips.audio, key=jax.random.key(options.seed))
    parts = list(tqdm(parts, "clips x 4", total=-(-len(clips) // 4), mininterval=2))
    found = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)

    rows = make_rows(found, clips, jax.random.key(options.seed + 1))
    print_tables(rows, options)
    summary = make_summary(found, clips)
    print_summary(summary)
    if options.json:
        settings = {name: str(value) for name, value in vars(options).items()}
        options.json.write_text(
            json.dumps({"settings": settings, "summary": summary, "rows": rows}, indent=1)
        )


def make_method(name: str, codec, options):
    if name == "integrated_gradients" and options.baseline == "mean":
        return METHODS[name](baseline=codec.mean)
    return METHODS[name]()


def judge_signed(shared, clip, key):
    return judge(shared, clip, key, "signed")


def judge_absolute(shared, clip, key):
    return judge(shared, clip, key, "absolute")


def judge(shared, clip, key, rank: str):
    """All methods, units and fractions for one clip."""
    codec, classifier, listener = shared["codec"], shared["classifier"], shared["listener"]
    audio = clip.astype(jnp.float32) / 32768
    latent = codec.encode(audio)
    base_key, method_key = jax.random.split(key)
    base = shared["base"](codec, latent, base_key)
    target = jnp.argmax(classifier(latent))

    def look(masks):
        return agreement(codec, classifier, listener, latent, masks, base, len(audio))

    found = {
        "target": target,
        "codec_only": look(jnp.ones((1, *latent.shape))),
        "listener_target": jnp.argmax(listener(audio)),
        "methods": {},
        "gap": {},
        "level": {},
    }
    for name, method in shared["methods"].items():
        attribution = method(classifier, latent, target, key=method_key)
        found["gap"][name] = attribution.info["completeness_gap"]
        found["methods"][name] = {
            unit: look(
                edit_masks(
                    attribution.relevance, shared["keep"], shared["delete"], rank=rank, unit=unit
                )
            )
            for unit in UNITS
        }
        kept = edit_masks(
            attribution.relevance, shared["keep"][1:2], shared["delete"][:0], rank=rank,
            unit="feature",
        )[0]  # fmt: skip
        sound = codec.decode(kept * latent + (1 - kept) * base)[: len(audio)]
        found["level"][name] = 10 * jnp.log10(jnp.sum(sound**2) / (jnp.sum(audio**2) + 1e-20))
    return found


def make_rows(found, clips, key) -> list[dict]:
    """One row per method, unit, place and fraction."""
    rows = []
    control = found["methods"].get("random_control")
    for name, units in found["methods"].items():
        for unit, places in units.items():
            for place, values in places.items():
                low, high = bootstrap_interval(jnp.asarray(values), key)
                over = values - control[unit][place] if control else np.full_like(values, np.nan)
                over_low, over_high = bootstrap_interval(jnp.asarray(over), key)
                for index, fraction in enumerate(KEEP + DELETE):
                    keep = index < len(KEEP)
                    sign, offset = (1, 0) if keep else (-1, 1)
                    ends = sorted(offset + sign * float(e[index]) for e in (low, high))
                    over_ends = sorted(sign * float(e[index]) for e in (over_low, over_high))
                    rows.append(
                        {
                            "method": name,
                            "unit": unit,
                            "place": place,
                            "edit": "keep" if keep else "delete",
                            "fraction": fraction,
                            "score": offset + sign * float(values[:, index].mean()),
                            "low": ends[0],
                            "high": ends[1],
                            "over_random": sign * float(over[:, index].mean()),
                            "over_random_low": over_ends[0],
                            "over_random_high": over_ends[1],
                        }
                    )
    for place, values in found["codec_only"].items():
        low, high = bootstrap_interval(jnp.asarray(values), key)
        rows.append(
            {
                "method": "codec_only",
                "unit": "-",
                "place": place,
                "edit": "keep",
                "fraction": 1.0,
                "score": float(values.mean()),
                "low": float(low[0]),
                "high": float(high[0]),
            }
        )
    return rows


def print_tables(rows: list[dict], options) -> None:
    titles = {
        "latent": "in the latent",
        "sound": "in the sound, encoded again",
        "listener": "in the sound, by the independent listener",
    }
    columns = [("keep", f) for f in KEEP] + [("delete", f) for f in DELETE]
    for unit in UNITS:
        for place in PLACES:
            print(f"\nBy {unit}, {titles[place]}: % (95 % interval)")
            print(" " * 21 + "".join(f"{f'{edit} {f:.0%}':>15}" for edit, f in columns))
            for method in options.methods:
                cells = [find(rows, method, unit, place, *column) for column in columns]
                print(f"{method:21}" + "".join(f"{cell(row):>15}" for row in cells))
    only = {p: find(rows, "codec_only", "-", p, "keep", 1.0) for p in PLACES[1:]}
    print(f"\ncodec only: sound {cell(only['sound'])}, listener {cell(only['listener'])}")


def find(rows, method, unit, place, edit, fraction) -> dict:
    wanted = dict(method=method, unit=unit, place=place, edit=edit, fraction=fraction)
    return next(row for row in rows if all(row[k] == v for k, v in wanted.items()))


def cell(row: dict) -> str:
    return f"{100 * row['score']:.0f} ({100 * row['low']:.0f}-{100 * row['high']:.0f})"


def make_summary(found, clips) -> dict:
    """Facts about the whole run that belong to no row."""
    summary = {
        "clips": len(clips),
        "classifier_right": float(np.mean(found["target"] == clips.target)),
        "listener_right": float(np.mean(found["listener_target"] == clips.target)),
        "listener_agrees": float(np.mean(found["listener_target"] == found["target"])),
        "level_db": {n: float(np.median(level)) for n, level in found["level"].items()},
    }
    right = summary["listener_right"] or float("nan")
    summary["share_of_listener"] = summary["classifier_right"] / right
    if "integrated_gradients" in found["gap"]:
        gap = found["gap"]["integrated_gradients"]
        summary["gap_below_1_percent"] = float(np.mean(gap < 0.01))
        summary["gap_95th_percentile"] = float(np.percentile(gap, 95))
    return summary


def print_summary(summary: dict) -> None:
    print(
        "{clips} clips; right: classifier {classifier_right:.1%}, listener {listener_right:.1%}, "
        "ratio {share_of_listener:.1%}; they agree on {listener_agrees:.1%}".format(**summary)
    )
    if "gap_below_1_percent" in summary:
        print(
            "completeness gap of integrated gradients: below 1 % on {gap_below_1_percent:.1%}, "
            "95th percentile {gap_95th_percentile:.2%}".format(**summary)
        )
    levels = ", ".join(f"{name} {level:.1f}" for name, level in summary["level_db"].items())
    print(f"level of the 10 % sound re original, median dB: {levels}")


if __name__ == "__main__":
    main()
