"""Toronto emotional speech set: two actresses say "Say the word ..." in seven emotions."""

from collections.abc import Iterator
from pathlib import Path

from audioxai_jax.data.archives import is_archive, members
from audioxai_jax.data.builders.recordings import Columns, DataError, Recordings

EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "pleasant_surprise", "sad")


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
    def official_sources(cls, data: Path) -> list[Path]:
        folder = data / cls.DATASET
        archives = [path for path in sorted(folder.glob("*")) if is_archive(path)]
        sounds = folder.is_dir() and next(folder.rglob("?AF_*.wav"), None)
        return [folder] if sounds else archives[:1]

    def official_clips(self, sources: list[Path]) -> Iterator[tuple[str, bytes, Columns]]:
        """File names are `<speaker>_<word>_<emotion>.wav`; one actress' prefix lost its F once."""
        seen = set()  # the copy on Kaggle holds every file twice
        for name, content in members(sources[0], lambda name: name.lower().endswith(".wav")):
            file = name.rpartition("/")[2]
            parts = file[: -len(".wav")].split("_")
            if len(parts) != 3:
                raise DataError(f"{name}: expected a name such as OAF_back_angry.wav")
            if file in seen:
                continue
            seen.add(file)
            speaker, word, emotion = parts
            emotion = "pleasant_surprise" if emotion.lower() == "ps" else emotion.lower()
            speaker = {"OA": "OAF"}.get(speaker, speaker)
            yield file, content, {"label": emotion, "speaker": speaker, "word": word}
