"""Search for one thing among the names of one dictionary."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel

from casemeter_rules.terms.common_names import commonness
from casemeter_rules.terms.grams import GramIndex, split_grams
from casemeter_rules.terms.model import Hit, How, Space, Synonym
from casemeter_rules.terms.normal import fold, key, keys
from casemeter_rules.terms.sounds import Sounds
from casemeter_rules.terms.tables import column, rows
from casemeter_rules.terms.words import Reading, Words, qualifiers, same_words

_CANDIDATES = 48
_WORTH_A_LOOK = 0.3  # of the weight that the name that shares most shares
_INITIALS = re.compile(r"[a-z][a-z0-9]{1,19}")
_EXPLAINED = re.compile(r"[\[［][^\]］]*[\]］]|[(（](?:[^)）]*[0-9a-zA-Z][^)）]*|症)[)）]")
_LEFTOVER = column("leftover_words", "words")
_SIDE = {"左": ("单侧", "双侧"), "右": ("单侧", "双侧"), "双": ("双侧", "单侧")}
_SIDE_COUNTS = 4.0
_CODE = re.compile(r"[a-z]?\d\d[.\dx+*a-z]*")
_SOUNDS_LIKE = 0.95
_SOUNDS_LIKE_BUT_READS_WELL = 0.85
_BUT_FOR_SIGNS = 99.5
_BY_SYNONYM = 99.0
_BY_INITIALS = 90.0
_FUZZY_MOST = 98.0
_LEAST = 35.0
_PASSED_OVER = 0.1  # what a side, a stage or a time costs that a name does not have
_PRECISION = 0.6  # the square of beta: how much less what is left over of the query counts


@dataclass(frozen=True, slots=True)
class Found:
    """A name found.

    Attributes:
        row: its row.
        score: 0 to 100.
        how: which way.
    """

    row: int
    score: float
    how: How


class Names:
    """The names of one dictionary, or of a part of it. Read only once built."""

    def __init__(
        self,
        names: Mapping[str, str],
        synonyms: Iterable[Synonym],
        space: Space,
        shown: Mapping[str, str] | None = None,
    ) -> None:
        """Index ``names`` by code; ``shown`` are the names hits carry where those differ."""
        self.codes = tuple(sorted(names))
        texts = [names[code] for code in self.codes]
        self._names = tuple((shown or names)[code] for code in self.codes)
        self.words = Words(synonyms, space, names)
        plain = keys(texts)
        self._folded = tuple("".join(fold(text).split()) for text in texts)
        standard = same_words("\n".join(plain)).split("\n") if plain else []
        self._standard = standard
        # What stands in square brackets, or in brackets with figures, explains a name: it need not be typed.
        bare = same_words("\n".join(keys([_bare(text) for text in texts]))).split("\n") if texts else []
        self._exact = _rows_by(plain)
        self._same = _rows_by(standard, bare)
        self._bare = bare
        self._grams = GramIndex(standard, bare)
        readings = {row["sign"]: row["reading"] for row in rows("readings")}
        alike = [(row["wrong"], row["right"]) for row in rows("lookalikes")]
        self._sounds = Sounds(set("".join(plain)) | set("".join(standard)), readings, alike)
        self._sounding = "\n".join(standard).translate(self._sounds.alike).split("\n") if standard else []
        self._sounding_bare = "\n".join(bare).translate(self._sounds.alike).split("\n") if bare else []
        self._sound_grams = GramIndex(self._sounding, self._sounding_bare)
        self._rank = _ranks(self.codes, texts, standard)
        self._initials = self._by_initials(plain, bare)
        self._folded_codes = tuple(code.casefold() for code in self.codes)

    def __len__(self) -> int:
        return len(self.codes)

    def hit(self, found: Found) -> Hit:
        """Return what is shown of a name found."""
        return Hit(self.codes[found.row], self._names[found.row], found.score, found.how)

    def named(self, text: str) -> bool:
        """Whether a folded text is a name, or the same in other words."""
        plain = key(text)
        return plain in self._exact or same_words(plain) in self._same

    def covers(self, row: int, text: str) -> float:
        """Return how much of a folded text a name has, 0 to 1; what may be passed over does not count."""
        name = set(self._standard[row])
        cores = [reading.core for reading in self.words.readings(text)]
        return max((sum(sign in name for sign in core) / len(core) for core in cores if core), default=0.0)

    def adds_only(self, row: int, text: str, context: str) -> bool:
        """Whether a name adds something to a folded text, and only what the context has."""
        added = set(self._bare[row]) - {
            sign for reading in self.words.readings(text) for sign in reading.text
        }
        said = {sign for reading in self.words.readings(context) for sign in reading.text}
        return bool(added) and added <= said

    def search(self, text: str, limit: int) -> list[Found]:
        """Return the best names for a folded text, the best first."""
        plain = key(text)
        if not plain:
            return []
        best: dict[int, Found] = {}
        typed = "".join(text.split())
        for row in self._exact.get(plain, ()):
            # The signs of a name count only where names differ in nothing else: 痰镜检（+）and 痰镜检（-）.
            same = self._folded[row] == typed
            best[row] = Found(row, 100.0 if same else _BUT_FOR_SIGNS, "exact")
        for row in self._with_code(text.strip()):
            best.setdefault(row, Found(row, 100.0, "exact"))
        readings = self.words.readings(text)
        for reading in readings:
            for row in self._same.get(reading.text, ()):
                _keep(best, Found(row, _BY_SYNONYM, "synonym"))
        if _INITIALS.fullmatch(plain):
            for row, share in self._initials.get(plain, ()):
                _keep(best, Found(row, _BY_INITIALS * share, "initials"))
        for reading in readings:
            self._fuzzy(reading, best)
        side = _SIDE.get(qualifiers(text).side or "")
        if side is not None:
            best = {row: self._with_side(found, *side) for row, found in best.items()}
        return sorted(best.values(), key=self._order)[:limit]

    def _with_side(self, found: Found, said: str, other: str) -> Found:
        """Prefer 单侧 where one side is said, 双侧 where both are."""
        name = self._names[found.row]
        change = _SIDE_COUNTS * ((said in name) - (other in name))
        return (
            replace(found, score=min(_FUZZY_MOST, max(0.0, round(found.score + change, 1))))
            if found.score < 99
            else found
        )

    def _order(self, found: Found) -> tuple[float, float, str]:
        return (-found.score, -self._rank[found.row], self.codes[found.row])

    def _with_code(self, text: str) -> Sequence[int]:
        if not _CODE.fullmatch(text):
            return ()
        start = bisect.bisect_left(self._folded_codes, text)
        end = bisect.bisect_right(self._folded_codes, text + "\U0010ffff")
        return range(start, end) if len(text) > 2 else ()

    def _fuzzy(self, reading: Reading, best: dict[int, Found]) -> None:
        how: How = "synonym" if reading.changed else "fuzzy"
        top = self._near(reading, self._grams, self._bare, 1.0, how, best)
        if top < 0.9:
            sounding = Reading(self._sounds.same_sound(reading.text), reading.optional, reading.changed)
            factor = _SOUNDS_LIKE if self._odd(reading.core) else _SOUNDS_LIKE_BUT_READS_WELL
            self._near(sounding, self._sound_grams, self._sounding_bare, factor, "fuzzy", best)

    def _odd(self, text: str) -> bool:
        """Whether two characters stand side by side as in no name: a sign of a wrong character."""
        return any(not self._grams.knows_pair(one, other) for one, other in pairwise(text))

    def _near(
        self,
        reading: Reading,
        index: GramIndex,
        names: Sequence[str],
        factor: float,
        how: How,
        best: dict[int, Found],
    ) -> float:
        grams = split_grams(reading.text, reading.optional)
        needed, weight = index.overlap(grams.required)
        extra, passed = index.overlap(grams.optional)
        if not weight:
            return 0.0
        shared = needed + extra
        near = np.flatnonzero(shared > _WORTH_A_LOOK * shared.max(initial=0.0))
        mine, theirs = shared[near], extra[near]
        recall = mine / (weight + theirs)
        precision = np.minimum(mine / np.maximum(index.totals[near], 1e-9), 1.0)
        close = (1 + _PRECISION) * precision * recall / (_PRECISION * precision + recall)
        close += 0.002 * self._rank[near] - _PASSED_OVER * (passed - theirs) / (weight + passed)
        top = 0.0
        for place in _largest(close, _CANDIDATES):
            row = int(near[place])
            name = names[row]
            mixed = 0.7 * float(close[place]) + 0.3 * Indel.normalized_similarity(reading.kept(name), name)
            top = max(top, mixed)
            score = round(min(_FUZZY_MOST, 98.0 * factor * mixed), 1)
            if score < _LEAST:
                continue
            _keep(best, Found(row, score, how))
        return top

    def _by_initials(self, plain: Sequence[str], bare: Sequence[str]) -> dict[str, list[tuple[int, float]]]:
        found: dict[str, list[tuple[int, float]]] = {}
        joined = "\n".join((*plain, *bare))
        table = str.maketrans({sign: self._sounds.initials(sign) for sign in set(joined)})
        written = joined.translate(table).split("\n") if plain else []
        for place, initials in enumerate(written):
            row = place % len(plain)
            if 2 <= len(initials) <= 20 and (row, 1.0) not in found.get(initials, ()):
                found.setdefault(initials, []).append((row, 1.0))
        for word, standards in self.words.items():
            initials = self._sounds.initials(word)
            if initials == word or not 2 <= len(initials) <= 20:
                continue
            for standard in standards:
                for row in self._same.get(same_words(standard), ()):
                    if all(row != known for known, _ in found.get(initials, ())):
                        found.setdefault(initials, []).append((row, 1.0))
        return found


def _keep(best: dict[int, Found], found: Found) -> None:
    known = best.get(found.row)
    if known is None or found.score > known.score:
        best[found.row] = found


def _largest(values: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    if values.size <= count:
        return np.argsort(-values, kind="stable")
    near = np.argpartition(values, values.size - count)[values.size - count :]
    least = values[near].min()
    # Names as close as the last are taken in the order of their codes, so that every run takes the same.
    above = np.flatnonzero(values > least)
    level = np.flatnonzero(values == least)[: count - above.size]
    return np.concatenate([above, level])


def _bare(name: str) -> str:
    return _EXPLAINED.sub("", name)


def _rows_by(*columns: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for texts in columns:
        for row, text in enumerate(texts):
            if text and row not in found.get(text, ()):
                found.setdefault(text, []).append(row)
    return found


def _ranks(codes: Sequence[str], names: Sequence[str], standard: Sequence[str]) -> NDArray[np.float64]:
    """What decides between names that fit as well: unspecified codes, then those other names are made of."""
    common = commonness(standard)
    unspecified = np.array([_unspecified(code) for code in codes])
    leftover = np.array([any(word in name for word in _LEFTOVER) for name in names])
    return np.asarray(common + unspecified - 3.0 * leftover, np.float64)


def _unspecified(code: str) -> float:
    if re.fullmatch(r"[A-Z]\d\d\.(9|x)00", code):
        return 3.0
    if re.fullmatch(r"[A-Z]\d\d\.\d00|\d\d\.\d[\dx]00", code):
        return 1.5
    if "+" in code:
        return -0.5
    return 0.5 if "x" not in code[4:] else 0.0
