"""One written form of every code, whatever the sender's keyboard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemeter_grouper.codes import normalise


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("I63.900", "I63.900"),
        ("i63.900", "I63.900"),
        ("Ｉ６３．９００", "I63.900"),
        ("ｉ６３．９００ｘ００１", "I63.900x001"),
        ("I63.900X001", "I63.900x001"),
        ("I63.900Ｘ001", "I63.900x001"),
        ("x59.900", "X59.900"),
        ("X59.900X001", "X59.900x001"),
        ("xx9.900", "Xx9.900"),
        ("37.5100X001", "37.5100x001"),
        (" I63.900 ", "I63.900"),
        ("I63. 900", "I63.900"),
        ("I63.900\r\n", "I63.900"),
        ("\tI63.\u00a0900", "I63.900"),
        ("\u3000I63.900\u3000", "I63.900"),
        ("\ufeffI63.900", "I63.900"),
        ("\u200bI63\u200c.\u200d90\u20600", "I63.900"),
        ("\ufeff x59.900", "X59.900"),
        ("A01.002+G01*", "A01.002+G01*"),
        ("a01.002＋g01＊", "A01.002+g01*"),
        ("M80000/3", "M80000/3"),
        ("m８００００／３", "M80000/3"),
        ("bng020", "Bng020"),
        ("", ""),
        (" \u3000\ufeff", ""),
    ],
)
def test_a_code_has_one_written_form(written: str, code: str) -> None:
    assert normalise(written) == code


def test_every_printable_full_width_character_is_folded() -> None:
    half = "".join(map(chr, range(0x21, 0x7F)))
    full = "".join(chr(ord(character) + 0xFEE0) for character in half)
    assert normalise(full) == normalise(half) == half.replace("X", "x")


CODE_CHARACTERS = st.sampled_from("AIXx0159.+*/ \t\u3000\ufeff\u200bＡＩＸｘ０９．")


@given(st.text() | st.text(CODE_CHARACTERS))
def test_normalising_again_changes_nothing(written: str) -> None:
    once = normalise(written)
    assert normalise(once) == once


@given(st.text(CODE_CHARACTERS))
def test_only_width_blanks_and_case_are_changed(written: str) -> None:
    code = normalise(written)
    assert code.isascii()
    assert not set(code) & set(" \t")
    assert "X" not in code[1:]
    assert code[:1] == code[:1].upper()
    width_folded = written.translate(
        {ord(full): ord(half) for full, half in zip("ＡＩＸｘ０９．", "AIXx09.", strict=True)}
    )
    kept = [character for character in width_folded if character not in " \t\u3000\ufeff\u200b"]
    assert code.upper() == "".join(kept).upper()
