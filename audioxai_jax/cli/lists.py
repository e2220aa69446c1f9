"""`audioxai methods`, `domains`, `models`, `subjects` and `codecs`: names that `explain` takes."""

import argparse
import dataclasses
import functools
import inspect
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from audioxai_jax.cli.console import add_json_option, first_line, print_aligned, say, write_rows

OUR_LICENCE = "Apache-2.0"
SAMPLE_RATE = 16_000
"""Of the domains that are listed, Hz."""


def add_commands(commands) -> None:
    """Adds the five to the commands of a parser."""
    for run, about in (
        (_list_methods, "list attribution methods and their options"),
        (_list_domains, "list the domains that a sound can be explained in, and their options"),
        (_list_models, "list the shipped codecs, classifiers and listeners"),
        (_list_subjects, "list real models of other people, to explain by --model subject:NAME"),
        (_list_codecs, "list shipped and published codecs"),
    ):
        name = run.__name__.removeprefix("_list_")
        command = commands.add_parser(name, help=about, description=f"{about.capitalize()}.")
        add_json_option(command)
        command.set_defaults(run=functools.partial(_run, run))


def _run(list_rows: Callable[[], list[dict[str, Any]]], chosen: argparse.Namespace) -> int:
    json: Path | None = chosen.json
    write_rows(json, list_rows())
    return 0


def _list_methods() -> list[dict[str, Any]]:
    from audioxai_jax.attribution import METHODS

    width, rows = max(map(len, METHODS)), []
    for name, factory in METHODS.items():
        about = first_line(inspect.getdoc(factory) or "")
        say(f"{name:{width}} {about}", *option_lines(factory, "--set", width))
        rows.append({"method": name, "about": about, "options": _defaults(factory)})
    return rows


def _list_domains() -> list[dict[str, Any]]:
    from audioxai_jax.cli.loading import DEFAULT_CODEC, LATENT, load_codec
    from audioxai_jax.domains import DOMAINS
    from audioxai_jax.runs.explain_clips import unit_names

    width, rows = max(map(len, DOMAINS)), []
    for name, factory in DOMAINS.items():
        if name == LATENT:
            made = functools.partial(factory, load_codec(DEFAULT_CODEC))
        else:
            made = functools.partial(factory, sample_rate=SAMPLE_RATE)
        domain, about = made(), first_line(inspect.getdoc(factory) or "")
        units = unit_names(domain)
        faithful = "exact" if domain.exact else "not exact: add --residual keep"
        say(f"{name:{width}} {about}", f"{'':{width}} --unit {', '.join(units)}; {faithful}")
        say(*option_lines(made, "--domain-set", width, without=("sample_rate",)))
        row = {"domain": name, "about": about, "units": units, "exact": domain.exact}
        rows.append(row | {"options": _defaults(made, without=("sample_rate",))})
    return rows


def _list_models() -> list[dict[str, Any]]:
    from audioxai_jax.weights import file_format, registry

    rows = []
    for kind, names in registry.available().items():
        for name in names:
            manifest = file_format.read_manifest(registry.shipped_folder() / name)
            note, metrics = manifest.get("note") or manifest["network"], manifest.get("metrics", {})
            measured = ", ".join(f"{k} {v:.3g}" for k, v in metrics.items())
            say(f"{kind:11} {name:22} {note}" + (f" ({measured})" if measured else ""))
            rows.append({"kind": kind, "name": name, "note": note, "metrics": metrics})
    return rows


def _list_subjects() -> list[dict[str, Any]]:
    from audioxai_jax.models.subjects import SUBJECTS

    rows, width = [], max(map(len, SUBJECTS), default=0)
    for name, subject in SUBJECTS.items():
        state = "installed" if subject.installed else f"pip install {subject.install}"
        say(f"{name:{width}} {subject.task} ({subject.licence}; {state})")
        say(f"{'':{width}} {subject.source}; --method lrp --set composite={subject.composite}")
        if subject.caveat:
            say(f"{'':{width}} {subject.caveat}")
        say(*option_lines(subject.build, "--model-set", width))
        facts = dataclasses.asdict(subject) | {"build": subject.build.__name__}
        row = {"subject": name, **facts, "installed": subject.installed}
        rows.append(row | {"options": _defaults(subject.build)})
    return rows


def _list_codecs() -> list[dict[str, Any]]:
    import jax
    import jax.numpy as jnp

    from audioxai_jax.weights import registry
    from audioxai_jax.weights.load import load_codec
    from audioxai_jax.weights.published.table import PUBLISHED

    rows = []
    for name in registry.available()["codec"]:
        codec = load_codec(name)
        second = jax.ShapeDtypeStruct((codec.sample_rate,), jnp.float32)
        frames, channels = jax.eval_shape(codec.encode, second).shape
        row = {"codec": name, "rate": codec.sample_rate, "frames": frames, "channels": channels}
        licence = (codec.manifest or {}).get("licence", OUR_LICENCE)
        rows.append(row | {"weights": "shipped", "licence": licence})
    for name, entry in PUBLISHED.items():
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
    known = next(name for name, entry in PUBLISHED.items() if entry.on_hub)
    command = f"audioxai explain CLIP --codec {known} --codec-weights {PUBLISHED[known].source}"
    say("", "Published codecs need --codec-weights: a folder with the files, or a repository's")
    say(f"name, which is downloaded: {command}")
    return rows


def option_lines(
    factory: Callable[..., Any], option: str, width: int, without: Iterable[str] = ()
) -> list[str]:
    """Options as they are written, with their defaults; those chosen automatically by name."""
    from audioxai_jax.cli.settings import format_value, parameters_of

    options = {n: p for n, p in parameters_of(factory).items() if n not in without}
    values = {name: format_value(parameter.default) for name, parameter in options.items()}
    shown = [f"{option} {_quoted(f'{n}={v}')}" for n, v in values.items() if v is not None]
    automatic = [name for name, value in values.items() if value is None]
    lines = [" ".join(shown)] if shown else []
    lines += [f"{option} OPTION=VALUE also of: {', '.join(automatic)}"] if automatic else []
    return [f"{'':{width}} {line}" for line in lines]


def _quoted(text: str) -> str:
    """A word of a shell: as it is, in double quotes where these are enough, or by `shlex`."""
    if shlex.quote(text) == text or set(text) & set('"$`\\!'):
        return shlex.quote(text)
    return f'"{text}"'


def _defaults(factory: Callable[..., Any], without: Iterable[str] = ()) -> dict[str, str | None]:
    """Options and their defaults as text; None where they are chosen automatically."""
    from audioxai_jax.cli.settings import format_value, parameters_of

    options = {n: p for n, p in parameters_of(factory).items() if n not in without}
    return {name: format_value(parameter.default) for name, parameter in options.items()}
