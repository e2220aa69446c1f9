"""Toronto emotional speech set: two actresses say "Say the word ..." in seven emotions."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from audioxai_jax.data.archives import is_archive
from audioxai_jax.data.builders.items import DataError, Found, Item, LeftOut, decode, sounds
from audioxai_jax.data.builders.recordings import Recordings
from audioxai_jax.data.folders import holds, named_like
from audioxai_jax.data.names import looks_like_sound, stem

EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "pleasant_surprise", "sad")
SPEAKERS = {"OAF": "OAF", "YAF": "YAF", "OA": "OAF"}
"""By the prefix of a file's name; one actress' lost its F once."""
CLIP = re.compile(rf"({'|'.join(SPEAKERS)})_([^_]+)_([^_]+)", re.IGNORECASE)


class Tess(Recordings, skip_registration=True):
    """Emotional speech of two women; K. Dupuis and M. K. Pichora-Fuller, 2010."""

    DATASET = "tess"
    LABELS = EMOTIONS
    PAGE = "https://doi.org/10.5683/SP2/E8H2MF"
    LAYOUT = "an archive or a folder of OAF_back_angry.wav and so on, in tess/"
    CREDIT = {
        "name": "Toronto emotional speech set (TESS)",
        "licence": "CC BY-NC-ND 4.0",
        "credit": "K. Dupuis, M. K. Pichora-Fuller, Toronto emotional speech set, 2010, "
        "doi:10.5683/SP2/E8H2MF",
    }

    @classmethod
    def official_places(cls, data: Path) -> list[list[Path]]:
        """The folder if clips lie in it, else every archive in it: they may hold a half each."""
        folder = data / cls.DATASET
        archives = [path for path in named_like(folder, "") if is_archive(path)]
        loose = holds(folder, lambda n: looks_like_sound(n) and _clip(n) is not None)
        return [[folder]] if loose else [[archive] for archive in archives]

    def official_items(self, sources: list[Path]) -> Iterator[Item]:
        """File names are `<speaker>_<word>_<emotion>.wav`; the copy on Kaggle has each twice."""
        seen: dict[str, bytes] = {}
        for entry in (entry for source in sources for entry in sounds(source)):
            if isinstance(entry, LeftOut):
                yield entry
                continue
            parts = _clip(entry.name)
            if parts is None:
                raise DataError(f"{entry.place}: expected a name such as OAF_back_angry.wav")
            file, content = entry.name.rpartition("/")[2], entry.read()
            digest = hashlib.sha256(content).digest()
            if seen.get(file) == digest:
                yield LeftOut(entry.name, "a second copy of a clip")
                continue
            seen[file] = digest
            prefix, word, emotion = parts.groups()
            emotion = "pleasant_surprise" if emotion.lower() == "ps" else emotion.lower()
            columns = {"label": emotion, "speaker": SPEAKERS[prefix.upper()], "word": word}
            hear = lambda place=entry.place, content=content: decode(place, content)
            yield Found(file, stem(file), columns, entry.place, hear)


def _clip(name: str) -> re.Match[str] | None:
    return CLIP.fullmatch(stem(name.rpartition("/")[2]))
