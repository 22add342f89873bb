"""What `/` takes: words that a row must all have, in any order; one with `!` in front it must not have.

Rule: case does not matter, and nothing else is special: what is typed is looked for as it stands.  Only the
number of a connection is a whole one, since `#13` is not a part of `#134`.
"""

import re

from rich.text import Text

from tuimon.ui.palette import Palette

_NUMBER = re.compile(r"#\d+")


def _pattern(word: str) -> str:
    return re.escape(word) + (r"(?!\d)" if _NUMBER.fullmatch(word) else "")


class Filter:
    """A text that was typed, ready to be asked."""

    def __init__(self, text: str) -> None:
        self._text = text
        words = text.lower().split()
        self._wanted = tuple(word for word in words if not word.startswith("!"))
        unwanted = [word[1:] for word in words if len(word) > 1 and word.startswith("!")]
        self._unwanted = tuple(word for word in unwanted if not _NUMBER.fullmatch(word))
        self._number, self._no_number = (
            [re.compile(_pattern(word)) for word in said if _NUMBER.fullmatch(word)]
            for said in (self._wanted, unwanted)
        )

    def __bool__(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._wanted or self._unwanted or self._no_number)

    def __str__(self) -> str:
        """As it was typed."""
        return self._text

    def passes(self, text: str) -> bool:
        """Whether `text` has every word that is wanted, and none of the others."""
        low = text.lower()
        if not all(word in low for word in self._wanted) or any(word in low for word in self._unwanted):
            return False
        return all(each.search(low) for each in self._number) and not any(
            each.search(low) for each in self._no_number
        )

    def highlight(self, text: Text, palette: Palette) -> Text:
        """Mark every place where a word that is wanted stands."""
        if not self._wanted:
            return text
        text = text.copy()
        text.highlight_regex(re.compile("|".join(map(_pattern, self._wanted)), re.IGNORECASE), palette.match)
        return text
