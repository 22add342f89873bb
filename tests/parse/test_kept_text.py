"""The text that is kept: masked where it is read, and the same text again when it is read back."""

from hypothesis import given
from hypothesis import strategies as st

from tuimon.model.failure import Failure, Reason
from tuimon.model.loaded import Loaded
from tuimon.model.process import ProcessId
from tuimon.model.service import Config
from tuimon.parse.kept_text import decode, encode
from tuimon.parse.stunnel_conf import run
from tuimon.parse.stunnel_text import MAX_LINES

PATH = "/etc/stunnel/web.conf"
SECRET = "hunter2"  # noqa: S105
LINES = (
    f"protocolPassword = {SECRET}",
    f"protocolPassword {SECRET}",
    f"protocolPaswort = {SECRET}",
    f"protocolPasword: {SECRET}=",
    f"; ticketKeySercet {SECRET}",
    f"# protocolPassword={SECRET}",
    f"exec = /bin/x --password={SECRET}",
    f"execArgs = x protocolPassword,{SECRET}",
    f"lab:{SECRET}",
    f"[web] ; password {SECRET}",
    f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
    f"; -----BEGIN RSA PRIVATE KEY-----\n; {SECRET}\n; -----END RSA PRIVATE KEY-----",
)


def parsed(text: str | bytes, folder: dict[str, str] | None = None) -> Config:
    files = {PATH: text, **(folder or {})}
    missing = Failure(Reason.MISSING, "no such file")

    def read(path: str) -> bytes | Failure:
        found = files.get(path, missing)
        return found.encode() if isinstance(found, str) else found

    return run(PATH, read, lambda path: tuple(name.rpartition("/")[2] for name in folder or {}), host="gw")


def again(config: Config) -> Config:
    """Kept and read back."""
    kept = decode(encode(Loaded(config, ProcessId(1, 2.0, "/x"), 3.0, True), "gw"), "gw", PATH)
    assert kept is not None
    return kept.config


def test_whatever_may_be_a_secret_is_masked_and_what_is_none_is_not() -> None:
    """Malformed, mistyped, commented out, in a command, in a block; a path with a telling name stays."""
    for line in LINES:
        lines = parsed(f"[web]\n{line}\naccept = 1\n").lines
        assert lines is not None
        assert SECRET not in repr(lines), line
    for plain in ("cert = /run/secrets/web.pem", "PSKsecrets = /etc/stunnel/psk.txt", "[secret service]"):
        lines = parsed(f"{plain}\n").lines
        assert lines is not None
        assert lines[0].text == plain


def test_what_is_read_back_is_what_was_kept() -> None:
    """With includes, and with the marks by which a changed secret is told."""
    folder = {"/d/10": "TIMEOUTidle = 5\n; note\n", "/d/20": ""}
    web = f"[web]\naccept = 1\nconnect = 2\nprotocolPassword = {SECRET}\ninclude = /d\n"
    text = f"debug = 5\n{web}[b]\nsni = web:x\n"
    config = parsed(text, folder)
    assert again(config).lines == config.lines
    assert [each.name for each in again(config).services] == ["web", "b"]
    other = parsed(text.replace(SECRET, "hunter3"), folder)
    assert other.lines != config.lines


@given(
    st.lists(st.sampled_from([*LINES, "a = b", "[x]", "[", "=", " accept=1", "\x00", "\t;", "\xff"])).map(
        "\n".join
    )
)
def test_no_text_is_changed_by_being_kept(text: str) -> None:
    """Whatever stands in a file: masked once, it is masked for good."""
    config = parsed(text)
    assert again(config).lines == config.lines


@given(st.binary(max_size=200))
def test_damage_is_nothing_that_was_kept(data: bytes) -> None:
    """No exception, and no text."""
    assert decode(data, "gw", PATH) is None


def test_a_text_too_long_is_not_kept_at_all() -> None:
    """A part of it would be taken for a change."""
    assert parsed("; x\n" * (MAX_LINES + 1)).lines is None
