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

__all__ = ["SUBJECTS", "Subject", "package_file"]
