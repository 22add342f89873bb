"""LineAssembler: the same lines however the bytes arrive, and never more than the bound."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tuimon.parse.lines import MAX_LINE, LineAssembler

PARTS = st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"x", b"\n")), max_size=20)


def read(*blocks: bytes) -> list[bytes]:
    """Every line of the blocks, the unfinished one included."""
    assembler = LineAssembler()
    lines = [line for block in blocks for line in assembler.feed(block)]
    return lines + assembler.flush()


def test_a_line_is_held_until_its_end_arrives() -> None:
    """A partial line comes out once it is complete."""
    assembler = LineAssembler()
    assert assembler.feed(b"one\ntw") == [b"one"]
    assert assembler.feed(b"o") == []
    assert assembler.feed(b"\n\nthree\n") == [b"two", b"", b"three"]
    assert assembler.flush() == []


def test_flush_gives_the_partial_line_once() -> None:
    """The held part is handed out once, and what follows is a new line."""
    assembler = LineAssembler()
    assembler.feed(b"half")
    assert assembler.flush() == [b"half"]
    assert assembler.flush() == []
    assert assembler.feed(b"new\n") == [b"new"]


def test_only_newline_ends_a_line() -> None:
    """Carriage return, form feed, NEL and U+2028 belong to the line."""
    text = "a\rb\x0cc\x85d\u2028e".encode()
    assert read(text + b"\n") == [text]


def test_a_line_that_is_too_long_is_cut_and_marked() -> None:
    """16 KiB pass whole; one byte more, and the line ends in an ellipsis; the next line is whole."""
    exact = b"a" * MAX_LINE
    assert read(exact + b"\nb\n") == [exact, b"b"]
    assert read(exact + b"a\nb\n") == [exact + "…".encode(), b"b"]


def test_the_end_of_a_long_line_is_dropped_block_by_block() -> None:
    """Nothing beyond the bound is held while a line without end goes on."""
    assembler = LineAssembler()
    for _ in range(64):
        assert assembler.feed(b"x" * 64 * 1024) == []
        assert len(assembler._held) == MAX_LINE + 1
    assert assembler.feed(b"\nnext\n") == [b"x" * MAX_LINE + "…".encode(), b"next"]


@settings(derandomize=True)
@given(PARTS)
def test_blocks_do_not_matter(parts: list[bytes]) -> None:
    """One block, the given blocks and single bytes give the same lines, and nothing is lost."""
    whole = b"".join(parts)
    lines = read(whole)
    assert read(*parts) == lines
    assert read(*(whole[at : at + 1] for at in range(len(whole)))) == lines
    assert b"\n".join(lines) == whole.removesuffix(b"\n")
