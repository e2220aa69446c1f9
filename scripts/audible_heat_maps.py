"""Why a waveform network heard what it heard, as sounds side by side on one page.

    python scripts/audible_heat_maps.py --network PATH --out heat_maps.html CLIP ...

For each clip: the original, heat maps by LRP and by Integrated Gradients, the most relevant
frequencies, a latent explanation by a codec and its classifier, and the formula ReLU(x) R as it was
published (Becker et al., arXiv 1807.03418v3). Prints the medians over clips of what the page says
of each sound. Names such as 3_12_7.wav, as AudioMNIST has them, say what is spoken and by whom.
"""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jax import Array

from audioxai_jax import integrated_gradients, pretrained
from audioxai_jax.data.audio import read_clip
from audioxai_jax.files import replace_file
from audioxai_jax.lrp import lrp
from audioxai_jax.report.heat_maps import heat_map_page
from audioxai_jax.runs.heat_maps import HeatMapClip, make_heat_maps
from audioxai_jax.terminal import one_line

RATE, SAMPLES = 8000, 8000
NAMED = re.compile(r"(?P<Spoken>\d)_(?P<Speaker>[A-Za-z0-9]+)_\d+")


def main(frequency_relevance: Callable[[Array, Array], Array] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP", help="of a second at most")
    parser.add_argument("--network", required=True, metavar="PATH", help="of a waveform network")
    parser.add_argument("--codec", default="gainshape_16khz", help="name or path")
    parser.add_argument("--classifier", default="digits", help="of its latents, name or path")
    parser.add_argument("--keep", type=float, default=0.1, help="fraction; default: %(default)s")
    parser.add_argument("--steps", type=int, default=64, help="of Integrated Gradients")
    parser.add_argument("--title", default="What a digit network listens to")
    parser.add_argument("--out", type=Path, default=Path("heat_maps.html"), metavar="FILE")
    options = parser.parse_args()

    model, manifest = pretrained.load_network(options.network)
    codec, _ = pretrained.load_codec(options.codec)
    classifier, _ = pretrained.load_classifier(options.classifier)
    pretrained.check_pair(codec, classifier)
    path = integrated_gradients(steps=options.steps)
    made = []
    for file in options.clips:
        waveform = one_second(file)
        named = NAMED.fullmatch(file.stem)
        made.append(
            make_heat_maps(
                model,
                waveform,
                network_input(waveform),
                {"LRP": lrp(), "Integrated Gradients": path},
                name=file.name,
                labels=tuple(manifest["labels"]),
                facts=named.groupdict() if named else {},
                sample_rate=RATE,
                keep=options.keep,
                frequency_relevance=frequency_relevance,
                codec=codec,
                classifier=classifier,
                latent_method=path,
            )
        )
    replace_file(options.out, heat_map_page(made, title=options.title).encode())
    print_table(made)


def one_second(file: Path) -> np.ndarray:
    """A clip in the middle of a second of zeros, float32 `[8000]`; full scale is 1."""
    samples = read_clip(file, RATE).samples
    if len(samples) > SAMPLES:
        raise ValueError(f"{file}: lasts {len(samples) / RATE:.2f} s, the network hears 1 s")
    before = (SAMPLES - len(samples)) // 2
    return np.pad(samples, (before, SAMPLES - len(samples) - before))


def network_input(waveform: np.ndarray) -> np.ndarray:
    """As AudioMNIST's networks want it: 16-bit samples by their 95th percentile, plus 0.001.

    Raises:
      ValueError: if that is not positive.
    """
    coded = 32768.0 * waveform
    scale = float(np.percentile(coded, 95)) + 0.001
    if scale <= 0:
        raise ValueError(f"95 % of the samples are below {scale - 0.001:.3g}: remove their mean")
    return (coded / scale).astype(np.float32)


def print_table(clips: list[HeatMapClip]) -> None:
    print("| sound | level, dB | peak | clicks, dB |\n|---|---|---|---|")
    for name in clips[0].sounds:
        rows = [clip.measures(name) for clip in clips]
        level, peak, clicks = (float(np.median([r[key] for r in rows])) for key in rows[0])
        print(f"| {name} | {level:.1f} | {peak:.2f} | {clicks:.1f} |")


if __name__ == "__main__":
    sys.exit(one_line(main))
