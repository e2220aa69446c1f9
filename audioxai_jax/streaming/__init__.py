"""Sounds of any length through a codec, piece by piece, in constant memory."""

from audioxai_jax.nets.stages import Carried, Local, Stage
from audioxai_jax.streaming.api import decode, encode

__all__ = ["Carried", "Local", "Stage", "decode", "encode"]
