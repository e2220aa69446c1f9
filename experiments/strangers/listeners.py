"""pocketsphinx as a listener: a recogniser of speech that nobody of this project trained.

D. Huggins-Daines et al., "Pocketsphinx: A Free, Real-Time Continuous Speech Recognition System for
Hand-Held Devices", ICASSP 2006: hidden Markov models with Gaussian mixtures over cepstra, trained
on whole speech of other people. Its grammar holds the words of a task and nothing else; it names
one of them, or nothing. Search settings are the package's own, see `settings.py` for what others
would do.

The decoder follows the noise of all that it has heard, so an answer would depend on the clips
before it. It forgets before each sound here: `reinit_feat`. And in digital silence the mean of its
cepstra is not a number, and it names what it heard before; here it hears nothing then.
"""

import concurrent.futures
import dataclasses
import multiprocessing
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from audioxai_jax.core.extras import MissingExtra

RATE = 16_000
NOTHING = -1
"""Answer where no word was heard."""
KEYWORDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WORDS = {"keywords": KEYWORDS, "digits": DIGITS}
"""Words of each task, in the order of its labels; as the package's dictionary writes them."""
SOUNDS_AT_ONCE = 50
"""Sounds that a process hears before it reports."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """How pocketsphinx listens.

    Attributes:
      words: words of the grammar; all are in the package's dictionary.
      gain: height of the largest sample after amplification, in (0, 1].
      padding: seconds of silence on both sides.
      cmn: mean of cepstra that is subtracted: "batch" (that of the sound), "live" or "none".
      search: other settings of the package by name; its own if empty.
    """

    words: tuple[str, ...]
    gain: float = 0.5
    padding: float = 0.0
    cmn: str = "batch"
    search: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Pocketsphinx:
    """One decoder with one grammar.

    Raises:
      MissingExtra: if pocketsphinx is not installed.
    """

    def __init__(self, settings: Settings):
        try:
            from pocketsphinx import Decoder, get_model_path
        except ImportError:
            raise MissingExtra(
                "this listener needs pocketsphinx: pip install 'pocketsphinx>=5.1.1,<6'",
                name="pocketsphinx",
            ) from None
        self.settings, folder = settings, os.path.join(get_model_path(), "en-us")
        self.decoder = Decoder(
            hmm=os.path.join(folder, "en-us"),
            dict=os.path.join(folder, "cmudict-en-us.dict"),
            lm=None,
            logfn=os.devnull,
            loglevel="FATAL",
            **settings.search,
        )
        for name, value in {"cmn": settings.cmn, **settings.search}.items():
            self.decoder.config[name] = value  # what the model's own file says came before
        grammar = f"#JSGF V1.0; grammar words; public <word> = {' | '.join(settings.words)} ;"
        self.decoder.add_jsgf_string("words", grammar)
        self.decoder.activate_search("words")

    def hear(self, sound: np.ndarray) -> int:
        """Number of the word in a sound `[T]` at 16 kHz, or NOTHING; the same in any order."""
        settings, decoder = self.settings, self.decoder
        decoder.reinit_feat()
        decoder.start_utt()
        heard = as_heard(sound, settings.gain, settings.padding).tobytes()
        decoder.process_raw(heard, no_search=False, full_utt=True)
        decoder.end_utt()
        if settings.cmn != "none" and "nan" in decoder.get_cmn(False):
            return NOTHING  # a mean over no frame: the answer would be an accident
        said = decoder.hyp()
        word = "" if said is None else said.hypstr.split("(")[0].strip()
        return settings.words.index(word) if word in settings.words else NOTHING


def as_heard(sound: np.ndarray, gain: float, padding: float) -> np.ndarray:
    """A sound `[T]` at its gain and with its padding, int16; silence stays silence."""
    sound = np.asarray(sound, np.float64)
    peak = np.abs(sound).max(initial=0)
    level = np.rint(sound * (gain / max(peak, 1e-9)) * 32767).astype(np.int16)
    return np.pad(level, round(padding * RATE))


class Ears:
    """A listener of many sounds, in this process or in several.

    Args:
      settings: settings of pocketsphinx.
      processes: number of processes; more of them change no answer.
    """

    def __init__(self, settings: Settings, processes: int = 1):
        self.settings, self._pool = settings, None
        self._own = Pocketsphinx(settings)
        if processes > 1:
            self._pool = concurrent.futures.ProcessPoolExecutor(
                processes,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_start,
                initargs=(settings,),
            )

    def hear(self, sounds: np.ndarray) -> np.ndarray:
        """Numbers of words in sounds `[N, T]`, or NOTHING: int8 `[N]`."""
        if self._pool is None:
            return np.array([self._own.hear(sound) for sound in sounds], np.int8)
        starts = range(0, len(sounds), SOUNDS_AT_ONCE)
        parts = [sounds[start : start + SOUNDS_AT_ONCE] for start in starts]
        return np.array(sum(self._pool.map(_hear, parts), []), np.int8)

    def __enter__(self) -> "Ears":
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()


_LISTENER: list[Pocketsphinx] = []
"""That of a process of a pool."""


def _start(settings: Settings) -> None:
    _LISTENER[:] = [Pocketsphinx(settings)]


def _hear(sounds: np.ndarray) -> list[int]:
    return [_LISTENER[0].hear(sound) for sound in sounds]
