"""What the options ask for: truths, methods, classifiers and domains by name."""

import sys
from pathlib import Path

from audioxai_jax.cli import foreign_models, user_files
from audioxai_jax.cli.console import say
from audioxai_jax.cli.loading import load_model
from audioxai_jax.cli.options import choose
from audioxai_jax.domains import DOMAINS
from audioxai_jax.truth import TRUTHS, Truth
from experiments.truth.methods import ROWS
from experiments.truth.trials import Asked, Outsider


def which_truths(options) -> dict[str, Truth]:
    """The truths that are asked: those named, or all for which there is data.

    Raises:
      CliError: for a name that is unknown.
    """
    if options.truths is not None:
        return {choose("truth", name, TRUTHS) or name: TRUTHS[name] for name in options.truths}
    lacking = [name for name, truth in TRUTHS.items() if truth.data and options.data is None]
    if lacking:
        say(f"left out without --data: {', '.join(lacking)}", file=sys.stderr)
    return {name: truth for name, truth in TRUTHS.items() if name not in lacking}


def what_is_asked(options) -> Asked:
    """Methods, classifiers and domains by name.

    Raises:
      ValueError: for a name that is unknown, or a file that does not work.
    """
    for method in options.methods or ():
        choose("method", method, ROWS)
    for domain in options.domains:
        choose("domain", domain, DOMAINS)
    return Asked(
        clips=options.clips,
        data=options.data,
        methods=tuple(ROWS) if options.methods is None else options.methods,
        own={own_name(spec): own_method(spec) for spec in options.method},
        classifiers=dict(own_classifier(text, options.model_set) for text in options.classifier),
        domains=options.domains,
    )


def own_name(spec: str) -> str:
    """`folder/my.py:build` as `my.py:build`."""
    return Path(spec).name


def own_method(spec: str) -> Outsider:
    """The method of `FILE.py:FUNCTION`, a function without arguments."""
    method, _ = user_files.load_method(spec)
    return Outsider(method, user_files.file_digest(spec))


def own_classifier(text: str, settings: list[str]) -> tuple[str, Outsider]:
    """The truth and the classifier of `TRUTH=SPEC`.

    Raises:
      ValueError: if it is written in another way, or the truth takes none.
    """
    name, equals, spec = text.partition("=")
    if not equals or not spec:
        raise ValueError(f"--classifier {text}: write TRUTH=SPEC, such as time=my.py:build")
    choose("truth", name, TRUTHS)
    if not TRUTHS[name].takes_classifiers:
        raise ValueError(f"--classifier {text}: the model of {name} is a part of its question")
    foreign = foreign_models.is_foreign(spec)
    made = load_model(spec, settings=settings if foreign else ())
    return name, Outsider(made, f"{_digest(spec)} {' '.join(settings)}")


def _digest(spec: str) -> str:
    """Of the file of a classifier; its name if there is none."""
    own = foreign_models.users_file(spec)
    if own is not None:
        return user_files.file_digest(own)
    file = Path(spec.partition(":")[2])
    return str(file.stat().st_mtime_ns) if file.is_file() else spec
