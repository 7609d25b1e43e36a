"""Rules that state a condition: what no kind of its own says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from casemeter_rules.checks import Present
from casemeter_rules.codes import Key
from casemeter_rules.columns import Cells, choice, choices, text, words
from casemeter_rules.conditions import Decision, Truth
from casemeter_rules.conditions import decide as decide_condition
from casemeter_rules.facts import Diagnosis, Item, Phase, Procedure, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CARE, Context, Hit, Kind, Position, Sets, Undecided, Values, Words
from casemeter_rules.when import asks_phase, condition, parsed, triggers_of


def _triggers(cells: Cells, context: Context) -> Iterable[Key]:
    return sorted(triggers_of(cells["when"].condition, context.sets) or ())


def _checks(cells: Cells, context: Context) -> Iterable[Present]:
    """A row that no code brings up has no check: it is asked of every stay."""
    return [Present()] if triggers_of(cells["when"].condition, context.sets) else []


def _confirm(stay: Stay, values: Values, sets: Sets, hit: Hit) -> Hit | Undecided | None:
    return _outcome(stay, _decided(stay, values, sets), hit)


def _decide(stay: Stay, values: Values, sets: Sets) -> Iterator[Hit | Undecided]:
    outcome = _outcome(stay, _decided(stay, values, sets), Hit(()))
    if outcome is not None:
        yield outcome


def _decided(stay: Stay, values: Values, sets: Sets) -> Decision:
    return decide_condition(parsed(values["when"]), stay, sets)


def _outcome(stay: Stay, decision: Decision, hit: Hit) -> Hit | Undecided | None:
    if decision.truth is Truth.FALSE:
        return None
    if decision.truth is Truth.UNKNOWN:
        return Undecided(decision.missing[0] if decision.missing else "")
    if not decision.evidence:
        return hit if hit.places else hit._replace(places=("encounter",))
    places = frozenset(decision.evidence)
    entries: list[Diagnosis | Procedure | Item] = [*stay.diagnoses, *stay.procedures, *(stay.items or ())]
    met = {entry.place: entry for entry in entries if entry.place in places}
    found = [met[place] for place in decision.evidence if place in met]
    return hit._replace(
        places=decision.evidence,
        codes=tuple(dict.fromkeys(entry.code for entry in found if entry.code)),
        ids=tuple(entry.id for entry in found if isinstance(entry, Item) and entry.id),
    )


def _check_row(cells: Cells) -> Iterator[tuple[str, str, str]]:
    if asks_phase(cells["when"].condition):
        yield "when", "the phase is said in the column phases", "时点请填写在 phases 列"


KIND = Kind(
    name="condition",
    title_zh="条件规则",
    title_en="conditions",
    finding_class=FindingClass.VALIDITY,
    subclass="condition",
    tier=Tier.HINT,
    phases=CARE,
    facts=("diagnoses", "procedures", "items"),
    columns=(
        *(text("rule", required=True), condition("when"), choice("class", tuple(FindingClass))),
        *(text("subclass", required=True), choices("phases", tuple(Phase), required=False)),
        *(text("text_zh", required=True), text("text_en", required=True)),
        *(text("resolve_zh", required=True), text("resolve_en", required=True), words("overrides")),
    ),
    key=("rule", "when"),
    triggers=_triggers,
    checks=_checks,
    positions=Position.PRINCIPAL | Position.OTHER | Position.ASIDE,
    confirm=_confirm,
    decide=_decide,
    check_row=_check_row,
    words=Words(zh="{rule}", en="{rule}", resolve_zh="{rule}", resolve_en="{rule}"),
)
