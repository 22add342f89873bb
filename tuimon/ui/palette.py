"""Signs and colours: every state has a sign and a word besides a colour.

Rule: no literal colour anywhere else; `Palette` takes them from the theme, and one with none of them
serves NO_COLOR.  ASCII replaces every sign.
"""

from dataclasses import replace  # Textual's themes are dataclasses

from msgspec import Struct, field
from textual.theme import BUILTIN_THEMES, Theme

from tuimon.diagnose.finding import Light, Severity, State
from tuimon.signs import in_ascii

DARK = Theme(
    name="tuimon-dark",
    primary="#6cb6ff",
    secondary="#8fa3b8",
    accent="#d2a8ff",
    success="#6bc46d",
    warning="#e0af4a",
    error="#ff6b6b",
    foreground="#d5dce4",
    background="#10151b",
    surface="#161c24",
    panel="#1e2630",
    dark=True,
    variables={"text-muted": "#7f8c99"},
)
LIGHT = Theme(
    name="tuimon-light",
    primary="#0b5cad",
    secondary="#4b5a68",
    accent="#7a3fb0",
    success="#1a7f37",
    warning="#8f5a00",
    error="#c1121f",
    foreground="#1b232b",
    background="#fbfcfd",
    surface="#f1f4f7",
    panel="#e4e9ee",
    dark=False,
    variables={"text-muted": "#66727e"},
)
_SIXTEEN = BUILTIN_THEMES["ansi-dark"]
ANSI = replace(
    _SIXTEEN,
    name="tuimon-ansi",
    accent="ansi_magenta",
    # Bright black would be the background itself in some schemes: what matters less is dim instead.
    variables={**_SIXTEEN.variables, "text-muted": "ansi_default"},
)
"""The sixteen colours and the two defaults of the terminal itself, whatever they are there."""

THEMES = {"dark": DARK, "light": LIGHT, "ansi": ANSI}


def chosen(wanted: str, background: str, *, few: bool = False) -> Theme:
    """The theme of the settings; `auto` takes the terminal's own colours where they are `few`, and else
    goes by $COLORFGBG (`background`: "15;0", "0;default;15")."""
    if wanted != "auto":
        return THEMES[wanted]
    if few:
        return ANSI
    colour = background.rpartition(";")[2]
    return LIGHT if colour.isdecimal() and int(colour) in _BRIGHT else DARK


_BRIGHT = {7, *range(9, 16)}  # of the sixteen, those on which dark letters are read

LIGHTS = {Light.OK: "●", Light.FAILED: "✖", Light.UNKNOWN: "?", Light.SKIPPED: "–"}


class Palette(Struct, frozen=True):
    """Rich styles by meaning, as the current theme has them; `ascii` asks for plain characters."""

    ok: str = ""
    warning: str = "bold"
    critical: str = "bold"
    muted: str = ""
    accent: str = ""
    strong: str = "bold"
    match: str = "reverse"
    ascii: bool = False
    states: dict[State, str] = field(default_factory=dict)

    @classmethod
    def of(cls, variables: dict[str, str], *, ascii: bool, colour: bool) -> "Palette":  # noqa: A002
        """The palette of a theme's CSS variables; without colour only bold and reverse are used."""
        if not colour:
            bold = {State.DOWN: "bold reverse", State.CRITICAL: "bold", State.WARNING: "bold"}
            return cls(ascii=ascii, states=bold)
        variables = {name: value.removeprefix("ansi_") for name, value in variables.items()}  # as Rich says
        ok, warning, error = variables["success"], variables["warning"], variables["error"]
        muted = variables["text-muted"] if variables["text-muted"] != "default" else "dim"
        return cls(
            ok=ok,
            warning=warning,
            critical=error,
            muted=muted,
            accent=variables["primary"],
            match=f"bold {variables['background']} on {variables['warning']}",
            ascii=ascii,
            states={
                State.DOWN: f"bold {error}",
                State.CRITICAL: f"bold {error}",
                State.WARNING: f"bold {warning}",
                State.UNKNOWN: warning,
                State.PENDING: muted,
                State.OK: ok,
                State.NOT_PROBED: muted,
                State.OFF: muted,
            },
        )

    def draw(self, text: str) -> str:
        """`text` with its signs as this terminal can show them."""
        return in_ascii(text, wanted=self.ascii)

    def light(self, light: Light) -> str:
        """The style of one of the three lights."""
        styles = {Light.OK: self.ok, Light.FAILED: f"bold {self.critical}".strip()}
        return styles.get(light, self.muted)

    def severity(self, severity: Severity) -> str:
        """The style of a finding."""
        return {Severity.CRITICAL: self.critical, Severity.WARNING: self.warning}.get(severity, self.muted)
