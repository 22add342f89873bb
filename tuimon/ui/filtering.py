"""What `/` takes: words that a row must all have, in any order; one with `!` in front it must not have.

Rule: case does not matter, and nothing else is special: what is typed is looked for as it stands.
"""

from rich.text import Text

from tuimon.ui.palette import Palette


class Filter:
    """A text that was typed, ready to be asked."""

    def __init__(self, text: str) -> None:
        self._text = text
        words = text.lower().split()
        self._wanted = tuple(word for word in words if not word.startswith("!"))
        self._unwanted = tuple(word[1:] for word in words if len(word) > 1 and word.startswith("!"))

    def __bool__(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._wanted or self._unwanted)

    def __str__(self) -> str:
        """As it was typed."""
        return self._text

    def passes(self, text: str) -> bool:
        """Whether `text` has every word that is wanted, and none of the others."""
        low = text.lower()
        return all(word in low for word in self._wanted) and not any(word in low for word in self._unwanted)

    def highlight(self, text: Text, palette: Palette) -> Text:
        """Mark every place where a word that is wanted stands."""
        if not self._wanted:
            return text
        text = text.copy()
        text.highlight_words(self._wanted, palette.match, case_sensitive=False)
        return text
