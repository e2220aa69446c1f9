"""`audioxai explain`: a folder per clip, and a table of what the model hears in each part."""

import argparse
import json
import logging
import os
from pathlib import Path
from typing import Any

from audioxai_jax.cli.choices import CliError, kept, load
from audioxai_jax.terminal import BUNDLED, add_codec_options, complain, first_line, print_aligned

SAID = ("original", "explanation", "removed", "reconstruction", "random")


def add_command(commands) -> None:
    """Adds it to the commands of a parser."""
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
    add(
        "--keep",
        type=kept,
        default=0.1,
        metavar="FRACTION",
        help="kept, or 'smallest': the fewest whose "
        "sound is still heard as the class explained; default: %(default)s",
    )
    add("--rank", default="signed", help="signed (default) or absolute")
    add("--unit", default="feature", help="kept or replaced: feature (default), frame or channel")
    add(
        "--base",
        default="zero",
        help="stands in for what is removed: zero (default), mean, "
        "noise, silence, level_matched (noise as loud as the clip)",
    )
    add("--target", metavar="LABEL", help="explain this class; default: the one that is heard")
    add(
        "--channel",
        default="mix",
        metavar="CHANNEL",
        help="of the clips: mix (default), the mean of all, left, right or a number from 1",
    )
    add("--seed", type=int, default=0, help="of everything random; default: %(default)s")
    add("--json", type=Path, metavar="FILE", help="write the table's rows here")
    add("--level-match", action="store_true", help="write all sounds as loud as the original")
    add("--overwrite", action="store_true", help="replace earlier explanations in DIR")
    explain.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    clips = options.clips or [BUNDLED]
    if not options.clips and not BUNDLED.is_file():
        raise CliError("no clip comes with this installation: name a sound file")
    if options.json and not options.json.absolute().parent.is_dir():
        raise CliError(f"--json {options.json}: there is no such folder")
    if options.out.exists() and not options.out.is_dir():
        raise CliError(f"--out {options.out}: is not a folder")
    from audioxai_jax.data.channels import channel_name
    from audioxai_jax.files import replace_file
    from audioxai_jax.runs.progress import Progress

    try:
        channel_name(options.channel)
    except ValueError as error:
        raise CliError(f"--{error}") from None

    with Progress(2 * len(clips) + 1) as progress:
        rows, refused = _explain_all(options, clips, progress)
    if rows:
        _print_table(rows)
        one = len(rows) == 1
        print(f"\nListen: open {rows[0]['folder'] if one else options.out / '*'}/report.html")
    if options.json:
        replace_file(options.json, (json.dumps(rows, indent=2) + "\n").encode())
    for error in refused:
        complain(error)
    return 1 if refused else 0


def _explain_all(options: argparse.Namespace, clips: list[Path], progress):
    """Rows of the table, and the errors of the clips that could not be explained."""
    _use_compilation_cache()
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its caches are its own affair
    from audioxai_jax import plugins
    from audioxai_jax.data.audio import read_clip
    from audioxai_jax.data.sound_files import AudioError
    from audioxai_jax.runs import explanation_folder as folders
    from audioxai_jax.runs.explain_clips import explain_clip

    codec, classifier, settings, names = load(options)
    own = filter(plugins.is_plugin, (options.codec, options.classifier, options.method))
    own = list(dict.fromkeys(own))
    expected = Exception if own else (ValueError, TypeError, RuntimeError, OSError)
    rows, refused = [], []
    progress.step("models loaded")
    for path, name in zip(clips, folders.folder_names(clips), strict=True):
        folder = options.out / name
        try:
            folders.check_free(folder, overwrite=options.overwrite)
            clip = read_clip(path, codec.sample_rate, channel=options.channel)
            found = explain_clip(codec, classifier, clip, settings)
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


def _row(folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    said = {"original": facts["prediction"], **{name: facts[name] for name in SAID[1:]}}
    row: dict[str, Any] = {"clip": facts["clip"]["path"], "folder": str(folder)}
    for name, prediction in said.items():
        row[name] = prediction["label"]
        row[f"{name}_probability"] = prediction["probability"]
    return row | {
        "level_db": facts["levels_db"]["explanation"],
        **{name: facts[name] for name in ("keep", "kept", "units", "unit", "smallest", "notes")},
    }


def _print_table(rows: list[dict[str, Any]]) -> None:
    from audioxai_jax.report.words import printable

    head = ["clip", "heard", "kept only", "without", "codec only", "random", "level"]
    sought = rows[0]["smallest"] is not None
    lines = [head + ["smallest set"] * sought]
    for row in rows:
        said = [f"{printable(row[n])} {row[f'{n}_probability']:.0%}" for n in SAID]
        level = "silent" if row["level_db"] is None else f"{row['level_db']:+.1f} dB"
        line = [printable(Path(row["folder"]).name), *said, level]
        found = f"{100 * row['keep']:.3g} % of {row['unit']}s"
        lines.append(line + [found if row["smallest"] == "found" else "none is enough"] * sought)
    print_aligned(lines)
    for row in rows:
        for note in row["notes"]:
            print(f"note: {printable(Path(row['folder']).name)}: {printable(note)}")


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
