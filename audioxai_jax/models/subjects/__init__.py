"""Real models of other people, by name: a file each, its import, and a row of SUBJECTS."""

from audioxai_jax.models.subjects import (
    basic_pitch,
    crepe,
    distillmos,
    dnsmos,
    emphases,
    openwakeword,
    resemblyzer,
    silero_vad,
    swift_f0,
)
from audioxai_jax.models.subjects.protocol import Subject, package_file
from audioxai_jax.types import Classifier

SUBJECTS: dict[str, Subject] = {
    "silero_vad": silero_vad.SUBJECT,
    "swift_f0": swift_f0.SUBJECT,
    "dnsmos": dnsmos.SUBJECT,
    "openwakeword": openwakeword.SUBJECT,
    "basic_pitch": basic_pitch.SUBJECT,
    "crepe": crepe.SUBJECT,
    "resemblyzer": resemblyzer.SUBJECT,
    "distillmos": distillmos.SUBJECT,
    "emphases": emphases.SUBJECT,
}
"""Subjects by name, for `audioxai subjects` and `--model subject:NAME`."""


def load_subject(name: str) -> Classifier:
    """A real model of other people as a `Classifier`, with the defaults of its factory.

    Args:
      name: one of SUBJECTS; a factory's own options are those of `SUBJECTS[name].build`.

    Raises:
      ValueError: for an unknown name.
      MissingExtra: if the package that has its weights is not installed, see `Subject.install`.
    """
    if name not in SUBJECTS:
        raise ValueError(f"unknown subject {name!r}: known are {', '.join(SUBJECTS)}")
    return SUBJECTS[name].build()


__all__ = ["SUBJECTS", "Subject", "load_subject", "package_file"]
