"""The door for outside text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuimon.text import MAX_TEXT, printable

UNFIT = {
    *map(chr, range(32)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff",
}


@pytest.mark.parametrize(
    ("outside", "shown"),
    [
        ("plain", "plain"),
        ("größer – 証明書 🔒", "größer – 証明書 🔒"),
        ("a\tb", "a b"),
        ("\x1b[2Jgone", "\ufffd[2Jgone"),
        ("one\r\ntwo", "one\ufffd\ufffdtwo"),
        ("\u202egnp.exe", "\ufffdgnp.exe"),
        ("\x9b31m", "\ufffd31m"),
        (b"gr\xc3\xb6\xc3\x9fer", "größer"),
        (b"latin \xf6", "latin \ufffd"),
        ("file\udcff", "file\ufffd"),
        ("", ""),
    ],
)
def test_what_is_unfit_is_replaced(outside: str | bytes, shown: str) -> None:
    """Control characters, bidirectional overrides, lone surrogates; nothing else."""
    assert printable(outside) == shown


@pytest.mark.parametrize("kind", [str, bytes])
def test_it_is_bounded(kind: type) -> None:
    """A cut text says that it was cut, and one that just fits does not."""
    for length, shown in ((10, "x" * 10), (11, "x" * 9 + "…"), (10_000, "x" * 9 + "…")):
        text = "x" * length
        assert printable(text if kind is str else text.encode(), 10) == shown
    assert len(printable("x" * 2 * MAX_TEXT)) == MAX_TEXT


@given(st.one_of(st.text(), st.binary()), st.integers(min_value=1, max_value=50))
def test_behind_the_door_nothing_is_unfit(outside: str | bytes, limit: int) -> None:
    """Whatever comes: bounded, encodable, clean, and stable when it passes once more."""
    shown = printable(outside, limit)
    assert len(shown) <= limit
    assert not UNFIT & set(shown)
    assert shown.encode().decode() == shown
    assert printable(shown, limit) == shown
