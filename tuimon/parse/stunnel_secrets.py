"""What of a configuration's text may be shown: the one place where secrets are masked.

Rule: in doubt masked.  Which options are secret stands in the option table; in the value of any other one,
and in a comment, what is named like a password is masked with all that follows it.  A line that stunnel
does not understand may hold anything: a mistyped name before a password, a key pasted into the wrong file, a
password that is a plain word.  Of such a one a name is shown, and the value only of what is nearly the name
of an option that is no secret.  Masked text stays as it is when it is masked again.
"""

import difflib
import re

from tuimon.model.service import MASK
from tuimon.parse.stunnel_options import OPTIONS, SECRETS, find, is_secret

_OPTIONS = "|".join(SECRETS)
_WORDS = r"passw|passphrase|pwd|secret|credential|token|api_?key"
# `--password=x`, `DB_PASS: x`, `;pin-value=x`, and the name of a secret option however it goes on.
_GIVEN = re.compile(
    rf"""(?ix) ( (?:{_OPTIONS}) [^\w•]*
      | (?<!\w) \w* (?:{_WORDS}) \w* [=:\s] \s*
      | (?<![a-z]) (?:pass|pin|pin-value) \s*[=:]\s* | -pass\s+ ) (?=\S) .*""",
    re.DOTALL,
)
# Without one of these neither `_GIVEN` nor `_USERINFO` finds anything: most values are spared the search.
_HINTS = (
    *dict.fromkeys(("pass", "pwd", "secret", "credential", "token", "api", "pin", "://")),
    *(name.lower() for name in SECRETS),
)
_SAID = re.compile(rf"(?i)(\w*(?:passw|passphrase|pwd|secret)\w*|{_OPTIONS})(\s*=?\s*)(?=\S).*", re.DOTALL)
_USERINFO = re.compile(r"(\w://)[^/@\s]+@")
_KEY = re.compile(r"\b[0-9A-Fa-f]{32,}\b")  # a pre-shared key, a ticket secret
_NAME = re.compile(r"[A-Za-z_]{1,24}")  # no option has a digit, nearly every key has
_FIRST_WORD = re.compile(r"[\s#;]*(\w+)[\s=:]*")
_HEADER = re.compile(r"([^=\[]{0,3}\[[^\]=]*(?:\]\s*|$))((?://|[#;])?)(.*)", re.DOTALL)
_NEAR = [name.lower() for name in SECRETS]
_ALL = [option.name.lower() for option in OPTIONS]
_ARGUMENTS = "execArgs"
# `-p x`, `-px`, `-w x`, `-a x`, `-u me:x`, as sshpass, mysql, ldapsearch, redis-cli and curl take a password
_ARGUMENT = re.compile(
    r"""(?x) (?<! [^\s"'] ) ( -[pPwWa] ["']? \s+ | -p | -[uU] \s* ["']? [^\s:"']* : )
    (?: "[^"]*" | '[^']*' | [^\s"'-] \S* )"""
)
_QUOTED = re.compile(r'([^"]+:\d+: ")(.*?)((?:": [^"]*(?:"[^"]*"[^"]*)*)?)', re.DOTALL)
_SENT = re.compile(r"( -> )(?!Host:)(?:([\w-]+: ?|AUTH \w+ )\S.*|(?![A-Z]+$)\S+$)", re.DOTALL)


def plain(option: str, value: str) -> bool:
    """Whether it is seen at a glance that the value of a known option has nothing to mask."""
    secret = option == _ARGUMENTS or is_secret(option)
    return value.isascii() and not secret and not any(map(value.lower().__contains__, _HINTS))


def masked_value(option: str, value: str) -> str:
    """What may be shown of the value of a known option."""
    if is_secret(option):
        return MASK if value.strip() else value
    if plain(option, value):
        return value
    if option == _ARGUMENTS:
        value = _ARGUMENT.sub(lambda match: match[1] + MASK, value)
    return _USERINFO.sub(_hidden_user, _GIVEN.sub(lambda match: match[1] + MASK, value))


def masked_comment(text: str) -> str:
    """A comment: it may be an option that was put out of use, with its secret, or a note of one."""
    match = _FIRST_WORD.match(text)
    if match and find(match[1]) is None and difflib.get_close_matches(match[1].lower(), _NEAR, 1, 0.75):
        return text[: match.end()] + MASK
    return _USERINFO.sub(_hidden_user, _KEY.sub(MASK, _GIVEN.sub(r"\1" + MASK, _without_said(text))))


def masked_header(text: str) -> str:
    """The line of a section's header; of what stands behind it a comment is shown."""
    match = _HEADER.fullmatch(text)
    if match is None:
        return _without_said(text)
    behind = masked_comment(match[3]) if match[2] else MASK if match[3].strip() else ""
    return f"{_without_said(match[1])}{match[2]}{behind}"


def _without_said(text: str) -> str:
    return _SAID.sub(lambda match: f"{match[1]}{match[2]}{MASK}", text)


def masked_line(text: str) -> str:
    """A line by itself, as stunnel quotes one that it refuses."""
    if text.lstrip()[:1] in ("#", ";", ""):
        return masked_comment(text)
    if _HEADER.fullmatch(text):
        return masked_header(text)
    head, equals, value = text.partition("=")
    if equals and (meant := _meant(head.strip())):
        gap = value[: len(value) - len(value.lstrip())]
        return f"{head}={gap}{masked_value(meant, value[len(gap) :])}"
    if equals:
        return f"{head}= {MASK}" if names(text) else MASK
    word = text.split(maxsplit=1)[0]
    at = text.index(word) + len(word)
    if meant := _meant(word):
        return text[:at] + masked_value(meant, text[at:])
    return MASK


def _meant(name: str) -> str:
    """The option that somebody meant who wrote `name`; nothing if that cannot be told."""
    if find(name) is not None:
        return name
    near = (difflib.get_close_matches(name.lower(), names, 1, 0.75) for names in (_NEAR, _ALL))
    return next((found[0] for found in near if found), "")


def names(text: str) -> str:
    """The name in `name = value` where it can be one, known or not; else no part of it is shown."""
    head, _, value = text.partition("=")
    return head.strip() if _NAME.fullmatch(head.strip()) and value.strip("= ") else ""


def masked_message(message: str) -> str:
    """A message of stunnel's: it quotes the line that it refuses, and at its loudest what it says to a
    proxy or a mail server to be let in."""
    if message.startswith(" -> "):
        return _SENT.sub(lambda match: f"{match[1]}{match[2] or ''}{MASK}", message)
    if ': "' in message and (match := _QUOTED.fullmatch(message)):
        return f"{match[1]}{masked_line(match[2])}{match[3]}"
    return message


def _hidden_user(match: re.Match[str]) -> str:
    return f"{match[1]}{MASK}@"
