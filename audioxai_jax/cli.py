"""`audioxai`: explain sound files from the command line.

Heavy imports happen inside the functions that need them, so that `--help` is instant.
"""

import argparse
import difflib
import inspect
import io
import json
import logging
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from audioxai_jax.terminal import Parser, Version, add_codec_options, first_line

BUNDLED = Path(__file__).resolve().parent / "assets" / "stop.wav"
OUR_LICENCE = "Apache-2.0"
SAID = ("original", "explanation", "removed", "reconstruction", "random")


class CliError(ValueError):
    """A command that makes no sense; the message is one line."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0, or 1 if anything was refused."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may lack a clip's characters
    options = _parser().parse_args(argv)
    try:
        return options.run(options)
    except KeyboardInterrupt:
        print("\naudioxai: stopped", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        _complain(error)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="audioxai", description="Hear why an audio classifier decided what it did."
    )
    parser.add_argument("--version", action=Version, help="print the version, and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    explain = commands.add_parser(
        "explain",
        help="explain what a model hears in sound files",
        description="Writes a folder per clip: sounds to listen to, and report.html to read. "
        "FILE.py:FUNCTION stands for a codec, classifier or method of your own.",
    )
    add = explain.add_argument
    add("clips", nargs="*", type=Path, metavar="CLIP", help="sound files; a bundled one if none")
    add("--out", type=Path, default=Path("explanation"), metavar="DIR", help="default: %(default)s")
    add_codec_options(explain)
    add("--classifier", metavar="NAME", help="default: the one that comes with the codec")
    add("--method", default="integrated_gradients", metavar="NAME", help="default: %(default)s")
    add("--set", action="append", default=[], metavar="OPTION=VALUE", help="of the method")
    add("--keep", type=float, default=0.1, metavar="FRACTION", help="kept; default: %(default)s")
    add("--rank", default="signed", help="signed (default) or absolute")
    add("--unit", default="feature", help="kept or replaced: feature (default), frame or channel")
    add("--base", default="zero", help="stands in for what is removed: zero (default), mean, noise")
    add("--target", metavar="LABEL", help="explain this class; default: the one that is heard")
    add("--seed", type=int, default=0, help="of everything random; default: %(default)s")
    add("--json", type=Path, metavar="FILE", help="write the table's rows here")
    add("--level-match", action="store_true", help="write all sounds as loud as the original")
    add("--overwrite", action="store_true", help="replace earlier explanations in DIR")
    explain.set_defaults(run=_explain)
    methods = commands.add_parser("methods", help="list attribution methods and their options")
    methods.set_defaults(run=_methods)
    models = commands.add_parser("models", help="list the codecs and classifiers that come along")
    models.set_defaults(run=_models)
    codecs = commands.add_parser("codecs", help="list codecs: shipped ones and published ones")
    codecs.set_defaults(run=_codecs)
    return parser


def _explain(options: argparse.Namespace) -> int:
    clips = options.clips or [BUNDLED]
    if not options.clips and not BUNDLED.is_file():
        raise CliError("no clip comes with this installation: name a sound file")
    if options.json and not options.json.absolute().parent.is_dir():
        raise CliError(f"--json {options.json}: there is no such folder")
    if options.out.exists() and not options.out.is_dir():
        raise CliError(f"--out {options.out}: is not a folder")
    from audioxai_jax.files import replace_file
    from audioxai_jax.runs.progress import Progress

    with Progress(2 * len(clips) + 1) as progress:
        rows, refused = _explain_all(options, clips, progress)
    if rows:
        _print_table(rows)
        one = len(rows) == 1
        print(f"\nListen: open {rows[0]['folder'] if one else options.out / '*'}/report.html")
    if options.json:
        replace_file(options.json, (json.dumps(rows, indent=2) + "\n").encode())
    for error in refused:
        _complain(error)
    return 1 if refused else 0


def _explain_all(options: argparse.Namespace, clips: list[Path], progress):
    """Rows of the table, and the errors of the clips that could not be explained."""
    _use_compilation_cache()
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its caches are its own affair
    from audioxai_jax import plugins
    from audioxai_jax.data.audio import AudioError, read_clip
    from audioxai_jax.runs import explanation_folder as folders
    from audioxai_jax.runs.explain_clips import explain_clip

    codec, classifier, settings, names = _load(options)
    own = filter(plugins.is_plugin, (options.codec, options.classifier, options.method))
    own = list(dict.fromkeys(own))
    expected = Exception if own else (ValueError, TypeError, RuntimeError, OSError)
    rows, refused = [], []
    progress.step("models loaded")
    for path, name in zip(clips, folders.folder_names(clips), strict=True):
        folder = options.out / name
        try:
            folders.check_free(folder, overwrite=options.overwrite)
            found = explain_clip(codec, classifier, read_clip(path, codec.sample_rate), settings)
            progress.step(f"{name} explained")
            facts = folders.describe(found, settings, **names, level_match=options.level_match)
            folders.write_folder(folder, found, facts, overwrite=options.overwrite)
            progress.step(f"{name} written")
            rows.append(_row(folder, facts))
        except expected as error:
            place = "".join(plugins.place(error, spec) for spec in own)
            known = isinstance(error, (AudioError, folders.FolderError))
            if isinstance(error, OSError) and not place:
                error = f"{folder} cannot be written: {error.strerror or error}"
            refused.append(error if known else f"{place}{path}: {first_line(error)}")
            progress.step(f"{name} refused", 2)
    return rows, refused


def _load(options: argparse.Namespace):
    """Codec, classifier, settings, and how the explanation names them."""
    from audioxai_jax import plugins, pretrained
    from audioxai_jax.attribution import METHODS
    from audioxai_jax.named_methods import named_method
    from audioxai_jax.runs.explain_clips import Settings
    from audioxai_jax.synthesis.masks import RANKS, UNITS
    from audioxai_jax.synthesis.replacement import BASES

    _choose("rank", options.rank, RANKS)
    _choose("unit", options.unit, UNITS)
    _choose("base", options.base, BASES)
    if not 0 <= options.keep <= 1:
        raise CliError(f"--keep {options.keep}: must be a fraction between 0 and 1")
    if not 0 <= options.seed < 2**32:
        raise CliError(f"--seed {options.seed}: must be a whole number from 0 to {2**32 - 1}")
    if not plugins.is_plugin(options.method):
        _choose("method", options.method, METHODS)
    method, chosen = named_method(options.method, options.set)
    codec_hash = classifier_hash = None
    if plugins.is_plugin(options.codec):
        if options.codec_weights:
            raise CliError(f"--codec-weights: {options.codec} brings its own")
        codec = plugins.load_codec(options.codec)
    else:
        codec, manifest = pretrained.load_codec(options.codec, options.codec_weights)
        codec_hash = manifest["sha256"]
    if options.classifier is None:
        options.classifier = pretrained.default_classifier(codec)
    if plugins.is_plugin(options.classifier):
        classifier = plugins.load_classifier(options.classifier, codec)
    else:
        classifier, manifest = pretrained.load_classifier(options.classifier)
        classifier_hash = manifest["sha256"]
    pretrained.check_pair(codec, classifier)
    if options.target is not None:
        _choose("target", options.target, classifier.labels)
    if options.base == "mean" and codec.mean is None:
        raise CliError(f"--base mean: the codec {options.codec} has no mean latent")
    settings = Settings(method, BASES[options.base](), options.keep, options.rank, options.unit,
                        options.target, options.seed)  # fmt: skip
    names = {
        "method": {"name": options.method, "options": chosen},
        "base": options.base,
        "codec": {"name": options.codec, "sha256": codec_hash},
        "classifier": {"name": options.classifier, "sha256": classifier_hash},
    }
    return codec, classifier, settings, names


def _methods(options: argparse.Namespace) -> int:
    from audioxai_jax.attribution import METHODS

    width = max(map(len, METHODS))
    for name, factory in METHODS.items():
        settings = [
            str(parameter).split(":")[0] + f"={parameter.default}"
            for parameter in inspect.signature(factory).parameters.values()
        ]
        print(f"{name:{width}} {first_line(inspect.getdoc(factory) or '')}")
        if settings:
            print(f"{'':{width}} --set {' --set '.join(settings)}")
    return 0


def _models(options: argparse.Namespace) -> int:
    from audioxai_jax import pretrained, weights_file

    for kind, names in pretrained.available().items():
        for name in names:
            manifest = weights_file.read_manifest(pretrained.shipped_folder() / name)
            note = manifest.get("note") or manifest["network"]
            metrics = ", ".join(f"{k} {v:.3g}" for k, v in manifest.get("metrics", {}).items())
            print(f"{kind:11} {name:22} {note}" + (f" ({metrics})" if metrics else ""))
    return 0


def _codecs(options: argparse.Namespace) -> int:
    import jax
    import jax.numpy as jnp

    from audioxai_jax import pretrained
    from audioxai_jax.published.codecs import CODECS

    lines = [("codec", "sound", "latent per second", "weights", "their licence")]
    shipped = pretrained.available()["codec"]
    for name in shipped:
        codec, manifest = pretrained.load_codec(name)
        second = jax.ShapeDtypeStruct((codec.sample_rate,), jnp.float32)
        frames, channels = jax.eval_shape(codec.encode, second).shape
        lines.append((name, f"{codec.sample_rate} Hz", f"{frames} frames x {channels}",
                      "shipped", manifest.get("licence", OUR_LICENCE)))  # fmt: skip
    for name, entry in CODECS.items():
        lines.append((name, f"{entry.sample_rate} Hz", f"{entry.frames} frames x {entry.channels}",
                      entry.source, entry.licence))  # fmt: skip
    _print_aligned(lines)
    known = next(name for name, entry in CODECS.items() if entry.on_hub)
    print(
        "\nThose that are not shipped need --codec-weights: a folder that holds the files, or a "
        f"repository's name,\nwhich is downloaded: audioxai explain CLIP --codec {known} "
        f"--codec-weights {CODECS[known].source}"
    )
    return 0


def _row(folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    said = {"original": facts["prediction"], **{name: facts[name] for name in SAID[1:]}}
    row: dict[str, Any] = {"clip": facts["clip"]["path"], "folder": str(folder)}
    for name, prediction in said.items():
        row[name] = prediction["label"]
        row[f"{name}_probability"] = prediction["probability"]
    return row | {"level_db": facts["levels_db"]["explanation"]}


def _print_table(rows: list[dict[str, Any]]) -> None:
    from audioxai_jax.report.words import printable

    head = ["clip", "heard", "kept only", "without", "codec only", "random", "level"]
    lines = [head]
    for row in rows:
        said = [f"{printable(row[n])} {row[f'{n}_probability']:.0%}" for n in SAID]
        level = "silent" if row["level_db"] is None else f"{row['level_db']:+.1f} dB"
        lines.append([printable(Path(row["folder"]).name), *said, level])
    _print_aligned(lines)


def _print_aligned(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def _choose(what: str, name: str, known: Iterable[str]) -> str:
    """The name, if it is among the known ones."""
    known = list(known)
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    if ".py" in name:
        hint = "; for your own write FILE.py:FUNCTION"
    raise CliError(f"unknown {what} {name!r}: known are {', '.join(known)}{hint}")


def _use_compilation_cache() -> None:
    """Compiled programs are kept in the user's cache folder, if there is one to write to."""
    import jax

    if jax.config.jax_compilation_cache_dir is None:  # type: ignore[attr-defined]
        try:
            home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
            folder = Path(home) / "audioxai_jax"
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, RuntimeError):
            return
        if not os.access(folder, os.W_OK):
            return
        jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)


def _complain(error: object) -> None:
    print(f"audioxai: error: {first_line(error)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
