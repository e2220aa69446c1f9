"""`audioxai methods`, `models` and `codecs`: what can be named to `audioxai explain`."""

import argparse
import inspect

from audioxai_jax.cli.console import add_json_option, first_line, print_aligned, say, write_rows

OUR_LICENCE = "Apache-2.0"


def add_commands(commands) -> None:
    """Adds the three to the commands of a parser."""
    for run, about in (
        (_methods, "list attribution methods and their options"),
        (_models, "list the codecs and classifiers that are shipped"),
        (_codecs, "list codecs: shipped ones and published ones"),
    ):
        command = commands.add_parser(run.__name__[1:], help=about)
        add_json_option(command)
        command.set_defaults(run=run)


def _methods(options: argparse.Namespace) -> int:
    from audioxai_jax.attribution import METHODS

    width, rows = max(map(len, METHODS)), []
    for name, factory in METHODS.items():
        given = inspect.signature(factory).parameters.values()
        settings = [f"{str(one).split(':')[0]}={one.default}" for one in given]
        about = first_line(inspect.getdoc(factory) or "")
        say(f"{name:{width}} {about}")
        if settings:
            say(f"{'':{width}} --set {' --set '.join(settings)}")
        defaults = {one.name: one.default for one in given}
        rows.append({"method": name, "about": about, "options": defaults})
    write_rows(options.json, rows)
    return 0


def _models(options: argparse.Namespace) -> int:
    from audioxai_jax.weights import file_format, pretrained

    rows = []
    for kind, names in pretrained.available().items():
        for name in names:
            manifest = file_format.read_manifest(pretrained.shipped_folder() / name)
            note, metrics = manifest.get("note") or manifest["network"], manifest.get("metrics", {})
            measured = ", ".join(f"{k} {v:.3g}" for k, v in metrics.items())
            say(f"{kind:11} {name:22} {note}" + (f" ({measured})" if measured else ""))
            rows.append({"kind": kind, "name": name, "note": note, "metrics": metrics})
    write_rows(options.json, rows)
    return 0


def _codecs(options: argparse.Namespace) -> int:
    import jax
    import jax.numpy as jnp

    from audioxai_jax.weights import pretrained
    from audioxai_jax.weights.published.table import CODECS

    rows = []
    for name in pretrained.available()["codec"]:
        codec, manifest = pretrained.load_codec(name)
        second = jax.ShapeDtypeStruct((codec.sample_rate,), jnp.float32)
        frames, channels = jax.eval_shape(codec.encode, second).shape
        row = {"codec": name, "rate": codec.sample_rate, "frames": frames, "channels": channels}
        licence = manifest.get("licence", OUR_LICENCE)
        rows.append(row | {"weights": "shipped", "licence": licence})
    for name, entry in CODECS.items():
        row = {"codec": name, "rate": entry.sample_rate, "frames": entry.frames}
        source = entry.source + " (as a pickle only)" * entry.as_pickle
        row |= {"channels": entry.channels, "weights": source, "licence": entry.licence}
        rows.append(row)
    lines = [("codec", "sound", "latent per second", "weights", "their licence")]
    for row in rows:
        latent = f"{row['frames']} frames x {row['channels']}"
        cells = row["codec"], f"{row['rate']} Hz", latent, row["weights"], row["licence"]
        lines.append(cells)
    print_aligned(lines)
    write_rows(options.json, rows)
    known = next(name for name, entry in CODECS.items() if entry.on_hub)
    command = f"audioxai explain CLIP --codec {known} --codec-weights {CODECS[known].source}"
    say("", "Those that are not shipped need --codec-weights: a folder that holds the files, or a")
    say(f"repository's name, which is downloaded: {command}")
    return 0
