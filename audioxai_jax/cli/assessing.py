"""A look at a user's model before its first clip is explained: sentences, or a refusal."""

from typing import Any

from audioxai_jax.cli.loading import Loaded
from audioxai_jax.cli.options import CliError, ExplainOptions


def assess_model(loaded: Loaded, options: ExplainOptions, say: Any) -> None:
    """Says what is worth knowing of the model, on the first clip that can be read.

    Checkpoints of the library were looked at when they were trained. Errors of the model are left
    for the explanation, which says where they are.

    Args:
      loaded: model and settings of the command.
      options: options of the command; its clips.
      say: prints lines.

    Raises:
      CliError: for a method that would explain nothing of the model.
    """
    from audioxai_jax.data.audio import read_clip
    from audioxai_jax.runs.assess_clip import assess_clip

    if loaded.classifier.manifest is not None:
        return
    domain = loaded.settings.domain or loaded.classifier.reads
    for path in options.clips:
        try:
            clip = read_clip(path, domain.sample_rate, channel=options.channel)
            found = assess_clip(loaded.classifier, clip, loaded.settings)
            refusal = found.refusal(loaded.settings.method)
        except Exception:
            continue
        if refusal is not None:
            safe = " --safe-gradients or" if "safe_gradients" in refusal else ""
            raise CliError(
                f"--method {loaded.names.method.name}: {refusal}; e.g.{safe} --method lrp"
            )
        say(*(f"note: {line}" for line in found.lines(loaded.settings.method)))
        return
