"""Codes for what was and is no more: history, state after a procedure, history in the family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from casemeter_rules.terms.model import Hit, State, Synonym
from casemeter_rules.terms.names import Names
from casemeter_rules.terms.normal import key
from casemeter_rules.terms.tables import column, rows

_SURE = 84.0
_MAPPED = 80.0
_WORTH_SHOWING = 55.0
_LIKELY = 45.0
_OTHERWISE = 45.0
_DISEASE_MOST = 40.0


class Status:
    """The codes of a dictionary that say what was; a dictionary without such codes gives none."""

    def __init__(self, diagnoses: Mapping[str, str], synonyms: Iterable[Synonym]) -> None:
        """Find the status codes of a dictionary by the shipped tables."""
        synonyms = tuple(synonyms)
        scopes: dict[str, tuple[str, ...]] = {}
        for row in rows("status_scopes"):
            scopes[row["state"]] = (*scopes.get(row["state"], ()), row["code_prefix"])
        self._scopes = scopes
        self._names: dict[str, Names] = {}
        for state, prefixes in scopes.items():
            shown = {code: name for code, name in diagnoses.items() if code.startswith(prefixes)}
            bare = {code: _bare(name) for code, name in shown.items()}
            kept = {code: name for code, name in bare.items() if key(name)}
            self._names[state] = Names(kept, synonyms, "diagnosis", shown)
        self._by_disease: dict[tuple[str, str], Hit] = {
            (row["state"], row["disease_prefix"]): Hit(
                row["code"], diagnoses[row["code"]], _MAPPED, "synonym"
            )
            for row in rows("status_codes")
            if row["code"] in diagnoses
        }

    def knows(self, state: State, code: str) -> bool:
        """Whether a code says that something was, in the way of ``state``."""
        return code.startswith(self._scopes.get(state, ()) or ("\0",))

    def hits(self, state: State, text: str, diseases: Sequence[Hit], limit: int) -> tuple[Hit, ...]:
        """Return the codes for ``text`` in that state; the disease itself only behind them, if at all."""
        names = self._names.get(state)
        found = self._found(names, text, limit) if names else []
        mapped, otherwise = self._mapped(state, diseases), self._by_disease.get((state, ""))
        sure = [hit for hit in found if hit.score >= _SURE]
        perhaps = [
            Hit(hit.code, hit.name, min(hit.score, _MAPPED - 1), hit.how)
            for hit in found
            if _WORTH_SHOWING <= hit.score < _SURE
        ]
        hits = [*sure, *mapped, *perhaps]
        if otherwise is not None:
            hits.append(Hit(otherwise.code, otherwise.name, _OTHERWISE, otherwise.how))
        if state != "family_history":
            hits += [Hit(hit.code, hit.name, min(hit.score, _DISEASE_MOST), hit.how) for hit in diseases]
        once: dict[str, Hit] = {}
        for hit in hits:
            once.setdefault(hit.code, hit)
        kept = list(once.values())
        if kept and not kept[0].code.startswith("Z"):
            return ()
        return tuple(kept[:limit])

    @staticmethod
    def _found(names: Names, text: str, limit: int) -> list[Hit]:
        """Search for the text, and for the text without what was done: 肾切除 as 肾."""
        hits = [names.hit(one) for one in names.search(text, limit)]
        site = text
        for word in column("status_actions", "words"):
            site = site.replace(word, "")
        if site != text:
            hits += [names.hit(one) for one in names.search(site, limit)]
        best: dict[str, Hit] = {}
        for hit in hits:
            if hit.code not in best or best[hit.code].score < hit.score:
                best[hit.code] = hit
        return sorted(best.values(), key=lambda hit: (-hit.score, hit.code))

    def _mapped(self, state: State, diseases: Sequence[Hit]) -> list[Hit]:
        disease = diseases[0].code if diseases and diseases[0].score >= _LIKELY else ""
        for length in range(len(disease), 0, -1):
            hit = self._by_disease.get((state, disease[:length]))
            if hit is not None:
                return [hit]
        return []


def _bare(name: str) -> str:
    for word in column("status_words", "words"):
        name = name.replace(word, "")
    return name
