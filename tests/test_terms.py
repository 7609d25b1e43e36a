"""Phrases as physicians type them, the codes a coder would pick for them, and the search that finds them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemeter_rules.terms import LONGEST, Mention, Space, State, Synonym, TermIndex, shipped_synonyms
from casemeter_rules.terms.tables import rows
from terms import DATA, SETS, Phrase, accuracy, build, codes_of, names, read_phrases

PHRASES = read_phrases(DATA / "terms_phrases.csv")
EVERY_PHRASE = tuple(phrase for path in SETS.values() for phrase in read_phrases(path))
KINDS = (
    "shorthand",
    "laterality_or_stage",
    "typo",
    "initials",
    "state",
    "several",
    "procedure",
    "colloquial",
)
# A little below what is measured: at 1, at 5.
FLOORS = {
    "shorthand": (0.76, 0.84),
    "laterality_or_stage": (0.88, 0.95),
    "typo": (0.94, 0.97),
    "initials": (0.92, 0.95),
    "state": (0.93, 0.95),
    "several": (0.90, 0.95),
    "procedure": (0.74, 0.88),
    "colloquial": (0.83, 0.85),
}
NOT_OF_THIS_STAY = {"history", "family_history", "post_procedure"}

# What physicians type, and what else comes in.
TYPED = st.text(
    st.sampled_from("脑梗死左右双病史无术后家族待查排除否认既往父亲伴并及考虑疑癌转移骨折123级期度IVabcxy")
    | st.sampled_from(" ()（）？?+/、，；;。.①②\n\t-:：")
    | st.characters(),
    max_size=60,
)


@cache
def index() -> TermIndex:
    return build()


def only(text: str, space: Space = "diagnosis") -> Mention:
    (mention,) = index().search(text, space)
    return mention


def plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def test_enough_phrases_of_each_kind() -> None:
    counts = Counter(phrase.kind for phrase in PHRASES)
    assert set(counts) == set(KINDS)
    assert all(count >= 50 for count in counts.values()), counts
    assert counts.total() >= 520


def test_no_phrase_stands_twice() -> None:
    counts = Counter((plain(phrase.text), phrase.space) for phrase in EVERY_PHRASE)
    assert [text for text, times in counts.items() if times > 1] == []


def test_phrases_are_well_formed() -> None:
    for phrase in EVERY_PHRASE:
        assert phrase.space in get_args(Space), phrase
        assert set(phrase.states) <= set(get_args(State)), phrase
        assert len(phrase.states) == len(phrase.wanted), phrase
        assert phrase.kind != "several" or len(phrase.wanted) > 1, phrase


def test_every_wanted_code_is_in_the_dictionary() -> None:
    unknown = {
        (phrase.text, choice)
        for phrase in EVERY_PHRASE
        for choices in phrase.wanted
        for choice in choices
        if not codes_of(choice, phrase.space)
    }
    assert unknown == set()


def test_no_phrase_is_part_of_what_it_should_find() -> None:
    given_away = {
        (phrase.text, code)
        for phrase in EVERY_PHRASE
        for choices in phrase.wanted
        for choice in choices
        for code in codes_of(choice, phrase.space)
        if plain(phrase.text) in plain(names(phrase.space)[code])
    }
    assert given_away == set()


def test_no_phrase_is_part_of_a_synonym() -> None:
    synonyms = {plain(text) for synonym in shipped_synonyms() for text in (synonym.word, synonym.standard)}
    given_away = {
        (phrase.text, text) for phrase in EVERY_PHRASE for text in synonyms if plain(phrase.text) in text
    }
    assert given_away == set()


@pytest.mark.parametrize("kind", KINDS)
def test_finds_what_a_coder_would_pick(kind: str) -> None:
    (count, one, five) = accuracy(index(), (phrase for phrase in PHRASES if phrase.kind == kind))[kind]
    least_one, least_five = FLOORS[kind]
    assert one / count >= least_one
    assert five / count >= least_five


@pytest.mark.parametrize("kind", ["state", "several"])
def test_nothing_in_doubt_or_past_is_confirmed(kind: str) -> None:
    wrong = []
    for phrase in EVERY_PHRASE:
        if phrase.kind == kind and "confirmed" not in phrase.states:
            wrong += [
                (phrase.text, mention)
                for mention in index().search(phrase.text, phrase.space)
                if mention.state == "confirmed"
            ]
    # 白内障术后人工晶体眼 is read as the lens; 甲状腺结节 恶性可能 as a nodule that is there.
    assert {text for text, _ in wrong} <= {"白内障术后人工晶体眼", "甲状腺结节 恶性可能"}


@pytest.mark.parametrize(
    "phrase", [phrase for phrase in EVERY_PHRASE if phrase.kind == "state"], ids=lambda p: p.text
)
def test_the_disease_itself_never_stands_first_for_what_was(phrase: Phrase) -> None:
    for mention in index().search(phrase.text, phrase.space):
        if mention.state in NOT_OF_THIS_STAY:
            assert mention.hits[0].code.startswith("Z")


def test_the_three_of_the_issue() -> None:
    worn, loose = index().search("左膝退变伴游离体")
    assert (worn.qualifiers.side, worn.hits[0].code) == ("左", "M17.900x002")
    assert loose.hits[0].code == "M23.400"
    breast = only("右乳腺癌IV期")
    assert (breast.hits[0].code, breast.qualifiers.side, breast.qualifiers.stage) == ("C50.900", "右", "4期")
    assert (only("ngs").hits[0].code, only("ngs").hits[0].how) == ("I63.900", "initials")


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("脑梗死？", "suspected"),
        ("脑梗死待查", "suspected"),
        ("不除外脑梗死", "suspected"),
        ("排除脑梗死", "ruled_out"),
        ("否认脑梗死病史", "ruled_out"),
        ("脑梗死病史", "history"),
        ("脑梗死家族史", "family_history"),
        ("脑梗死术后3月", "post_procedure"),
        ("患者无脑梗死", "ruled_out"),
        ("脑梗死（待排）", "suspected"),
        ("陈旧性脑梗死", "confirmed"),
        ("无症状性脑梗死", "confirmed"),
    ],
)
def test_states(text: str, state: State) -> None:
    assert only(text).state == state


def test_a_state_holds_for_the_list_behind_it() -> None:
    states = [mention.state for mention in index().search("否认高血压、糖尿病、冠心病，胃溃疡")]
    assert states == ["ruled_out", "ruled_out", "ruled_out", "confirmed"]


def test_a_doubt_in_brackets_stays_a_doubt() -> None:
    found = {mention.state: mention.hits[0].code for mention in index().search("肺占位（肺癌？）")}
    assert found == {"confirmed": "R91.x03", "suspected": "C34.900"}


@pytest.mark.parametrize("space", ["diagnosis", "procedure"])
def test_names_are_found_first(space: Literal["diagnosis", "procedure"]) -> None:
    known = list(names(space).items())
    for _, name in known[::53]:
        best = only(name, space).hits[0]
        assert (best.name, best.score, best.how) == (name, 100.0, "exact")


@given(st.sampled_from(sorted(names("diagnosis"))))
def test_codes_are_found(code: str) -> None:
    found = {hit.code for mention in index().search(code, limit=500) for hit in mention.hits}
    assert code in found


def test_width_and_case_do_not_matter() -> None:
    wanted = [hit.code for hit in only("CKD5期").hits]
    assert [hit.code for hit in only("ｃｋｄ５期").hits] == wanted
    assert [hit.code for hit in only(" CKD 5期 ").hits][:1] == wanted[:1]


@given(TYPED, st.sampled_from(get_args(Space)))
def test_any_text_is_answered(text: str, space: Space) -> None:
    mentions = index().search(text, space, limit=5)
    assert mentions == index().search(text, space, limit=5)
    end = 0
    for mention in mentions:
        assert end <= mention.start < mention.end <= len(text)
        assert text[mention.start : mention.end] == mention.text
        end = mention.end
        scores = [hit.score for hit in mention.hits]
        assert 1 <= len(scores) <= 5
        assert scores == sorted(scores, reverse=True)
        assert all(0 < score <= 100 for score in scores)
        assert len({hit.code for hit in mention.hits}) == len(scores)
        if mention.state in NOT_OF_THIS_STAY and space == "diagnosis":
            assert mention.hits[0].code.startswith("Z")


@pytest.mark.parametrize(
    "text", ["", " ", "\u3000\n", "？", "，。；", "😀🩺", "\x00\x07", "\u200b\ufeff", "(+)", "待查"]
)
def test_what_says_nothing_finds_nothing(text: str) -> None:
    assert index().search(text) == ()


def test_too_long_is_said() -> None:
    index().search("癌" * LONGEST)
    with pytest.raises(ValueError, match="10000 characters; a search takes at most 200"):
        index().search("癌" * 10_000)
    with pytest.raises(ValueError, match="limit 0"):
        index().search("癌", limit=0)


def test_threads_find_the_same() -> None:
    texts = [phrase.text for phrase in PHRASES[::7]]
    alone = [index().search(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(index().search, texts)) == alone


def test_synonyms_of_a_pack() -> None:
    small = TermIndex.build(
        {"A00.000": "甲病", "A01.000": "乙病"},
        {},
        [Synonym("老甲", "A00.000"), Synonym("老乙", "乙病", "procedure")],
    )
    (mention,) = small.search("老甲")
    assert (mention.hits[0].code, mention.hits[0].how) == ("A00.000", "synonym")
    assert all(hit.how != "synonym" for mention in small.search("老乙") for hit in mention.hits)


def test_equal_names_stand_in_the_order_of_their_codes() -> None:
    small = TermIndex.build({"B00.100": "甲病", "A00.100": "甲病"}, {}, [])
    (mention,) = small.search("甲病")
    assert [hit.code for hit in mention.hits] == ["A00.100", "B00.100"]


def test_nothing_to_search() -> None:
    assert TermIndex.build({}, {}, []).search("脑梗死") == ()
    assert TermIndex.build({}, {}, []).search("脑梗死病史", "procedure") == ()


def test_shipped_tables_name_codes_of_the_dictionary() -> None:
    assert {row["code"] for row in rows("status_codes")} <= names("diagnosis").keys()
    words = Counter((row["word"], row["space"]) for row in rows("words"))
    assert [word for word, times in words.items() if times > 1] == []
