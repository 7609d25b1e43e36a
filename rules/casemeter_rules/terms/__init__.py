"""From what a physician types to codes: exact names, clinical words, initials and near misses."""

from casemeter_rules.terms.index import LONGEST, TermIndex
from casemeter_rules.terms.model import Hit, How, Mention, Qualifiers, Side, Space, State, Synonym
from casemeter_rules.terms.tables import shipped_synonyms

__all__ = [
    "LONGEST",
    "Hit",
    "How",
    "Mention",
    "Qualifiers",
    "Side",
    "Space",
    "State",
    "Synonym",
    "TermIndex",
    "shipped_synonyms",
]
