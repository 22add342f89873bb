"""Signs beyond ASCII that are drawn, and what stands for each where only ASCII can be shown.

Rule: one table for the screen and for every command; one character for one, so that columns stay.
"""

ASCII = str.maketrans(
    {
        "✖": "x",
        "▲": "!",
        "●": "*",
        "○": "o",
        "…": "~",
        "–": "-",
        "−": "-",
        "→": ">",
        "↳": "\\",
        "─": "-",
        "│": "|",
        "█": "#",
        "━": "=",
        "◆": "+",
        "┊": ":",
        "↓": "v",
        "↑": "^",
        "←": "<",
        "·": ".",
        "×": "x",
        "—": "-",
        "✓": "+",
        "▌": "#",
        "▼": "v",
        "•": "*",
        "›": ">",
        **dict.fromkeys("╭╮╰╯", "+"),
        **dict.fromkeys("▁▂▃▄▅▆▇", " "),  # the ends of scroll bars, finer than a cell
    }
)
"""Every sign that is drawn here, and those with which Textual draws."""


def in_ascii(text: str, *, wanted: bool) -> str:
    """`text` with its signs in ASCII, if that is wanted."""
    return text.translate(ASCII) if wanted else text
