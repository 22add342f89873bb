"""What the parser makes of a configuration: services, effective options, requests, bounds, secrets."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuimon.model.failure import Failure, Reason
from tuimon.model.service import MASK, Config, Role
from tuimon.parse import stunnel_conf, stunnel_sections
from tuimon.parse.stunnel_conf import ListFolder, ReadFile, parse, run
from tuimon.parse.stunnel_options import OPTIONS, Scope, find, is_secret
from tuimon.parse.stunnel_secrets import masked_line

PATH = "/etc/stunnel/x.conf"


def config(text: str | bytes, files: dict[str, bytes] | None = None, **options: object) -> Config:
    """Parse `text` at `PATH` beside other files, given by absolute path."""
    there = {PATH: text.encode() if isinstance(text, str) else text, **(files or {})}
    missing = Failure(Reason.MISSING, "no such file")

    def list_(folder: str) -> tuple[str, ...] | Failure:
        names = tuple(path.rpartition("/")[2] for path in there if path.rpartition("/")[0] == folder)
        return names or missing

    return run(PATH, lambda path: there.get(path, missing), list_, **options)  # type: ignore[arg-type]


def reasons(parsed: Config) -> list[tuple[int | None, str]]:
    return [(problem.line, problem.reason) for problem in parsed.problems]


def test_a_service_has_its_options_after_the_defaults() -> None:
    """Scalars override, lists append, each value keeps its place."""
    parsed = config(
        "output = /var/log/x.log\nclient = yes\nconnect = one:1\nTIMEOUTidle = 5\n"
        "[a]\nACCEPT = 127.0.0.1:8000\nconnect = two:2\ntimeoutIDLE = 6\n[b]\naccept = /run/b.sock\n"
    )
    a, b = parsed.services
    assert parsed.problems == ()
    assert parsed.text("output") == "/var/log/x.log"
    assert (a.key, a.name, a.file, a.line, a.role) == ((*("local", PATH, 0),), "a", PATH, 5, Role.CLIENT)
    assert [endpoint.text for endpoint in a.connect] == ["one:1", "two:2"]
    assert a.texts("TIMEOUTidle") == ("6",)
    assert a.place("TIMEOUTidle") == f"{PATH}:8"
    assert a.place("connect") == f"{PATH}:7"
    assert b.accept[0].path == "/run/b.sock"
    assert b.texts("TIMEOUTidle") == ("5",)
    assert [endpoint.text for endpoint in b.connect] == ["one:1"]


def test_a_commented_header_still_begins_its_section() -> None:
    """The line from the blogs: stunnel stops at it, and yet both services show with their names."""
    parsed = config(
        "client = yes\n[first]\naccept = 1\nconnect = 2\n[testserver] // comment\naccept = 3\nconnect = 4\n"
    )
    (problem,) = parsed.problems
    assert problem[:4] == (PATH, 5, "[testserver] // comment", "No '=' found")
    assert "must begin with '[' and end in ']'" in problem.meaning
    assert [(service.name, service.accept[0].text) for service in parsed.services] == [
        ("first", "1"),
        ("testserver", "3"),
    ]


@pytest.mark.parametrize(
    ("header", "name"), [("[x] # a = b", "x"), ("3[x]", "x"), ("\ufeff[x]", "x"), ("[x", "x"), ("[] ;", "")]
)
def test_a_broken_header_is_understood(header: str, name: str) -> None:
    """What stands between the brackets names the service that follows."""
    parsed = config(f"client = yes\n{header}\naccept = 1\nconnect = 2\n")
    assert [service.name for service in parsed.services] == [name]
    assert len(parsed.problems) == 1


@pytest.mark.parametrize("line", ["a[0] = 5", "junk", "option[2", "= [x]"])
def test_what_is_no_header_begins_no_section(line: str) -> None:
    """Brackets inside other lines are left alone."""
    parsed = config(f"[a]\nclient = yes\naccept = 1\nconnect = 2\n{line}\n")
    assert [service.name for service in parsed.services] == ["a"]
    assert len(parsed.problems) == 1


def test_problems_come_in_the_order_of_stunnel() -> None:
    """A broken line before the judgement on the section that it ends; a refused section is not judged."""
    parsed = config("[a]\nclient = yes\n[b] # x\nclient = on\n[c]\n")
    assert reasons(parsed) == [
        (3, "No '=' found"),
        (None, "Each service must define two endpoints"),
        (4, "The argument needs to be either 'yes' or 'no'"),
        (None, "TLS server needs a certificate"),
    ]
    assert parsed.problems[1].meaning.startswith(f"{PATH}:1: [a]: it has 0 of two endpoints")


def test_a_refused_default_leaves_what_it_would_have_brought_unjudged() -> None:
    """One cause, one problem, however many services inherit it."""
    parsed = config("client = yes # all\n[a]\naccept = 1\nconnect = 2\n[b]\naccept = 3\nconnect = 4\n")
    assert reasons(parsed) == [(1, "The argument needs to be either 'yes' or 'no'")]
    assert "a comment cannot follow a value" in parsed.problems[0].meaning


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("conect = x:1", "is `connect` meant?"),
        ("output = /tmp/x", "move the line above the first [section]"),
        ("taskbar = no", "exists on Windows only"),
        ("CAstore = x", "exists since stunnel 5.75 only"),
        ("TIMEOUTidle = 10s", "`TIMEOUTidle` takes a whole number of seconds"),
        ("accept = [::1]:443", "without brackets"),
    ],
)
def test_a_meaning_says_what_to_do(line: str, meaning: str) -> None:
    """Each refusal has a sentence that an operator can act on."""
    parsed = config(f"[a]\nclient = yes\nconnect = 2\n{line}\n")
    assert meaning in parsed.problems[0].meaning


def test_sni_names_the_primary_and_the_pattern() -> None:
    """A secondary has no accept of its own; names are matched exactly and the first one wins."""
    server = "cert = x\nconnect = 2\n"
    parsed = config(f"[w]\n{server}accept = 1\n[W]\n{server}sni = w:*.b.example\n[c]\n{server}sni = no:x\n")
    _, secondary, lost = parsed.services
    assert (secondary.sni, secondary.sni_of, secondary.accept) == ("*.b.example", 0, ())
    assert (lost.sni, lost.sni_of) == ("x", None)
    assert reasons(parsed) == [(None, "SNI section name not found")]


def test_a_client_keeps_its_sni_as_written() -> None:
    """A colon means nothing there."""
    (service,) = config("[a]\nclient = yes\naccept = 1\nconnect = 2\nsni = a:b\nprotocol = SMTP\n").services
    assert (service.sni, service.sni_of, service.protocol) == ("a:b", None, "smtp")


def test_a_file_without_sections_is_one_service_for_inetd() -> None:
    """Its name is the global `service`, else stunnel."""
    (service,) = config("client = yes\nexec = /bin/cat\n").services
    assert (service.name, service.inetd, service.exec, service.key.ordinal) == (
        "stunnel",
        True,
        "/bin/cat",
        0,
    )
    assert config("client = yes\nservice = me\nconnect = 1\n").services[0].name == "me"
    assert config("# nothing\n").services == ()


def test_the_caller_is_asked_for_files_in_byte_order() -> None:
    """Requests carry the bytes of the file system; the parser sorts what it is told."""
    steps = parse(PATH)
    assert next(steps) == ReadFile(PATH)
    assert steps.send(b"include = conf.d\xe9\nclient = yes\n") == ListFolder("conf.d\udce9")
    assert steps.send(("b", "Z", "10", "9", "\u00fc", ".h")) == ReadFile("conf.d\udce9/.h")
    asked = [steps.send(b"").path.rpartition("/")[2] for _ in range(5)]
    assert asked == ["10", "9", "Z", "b", "\u00fc"]
    with pytest.raises(StopIteration) as end:
        steps.send(b"[in]\naccept = 1\n")
    parsed: Config = end.value.value
    assert [service.name for service in parsed.services] == ["in"]
    assert parsed.services[0].yes("client")
    assert parsed.files[1] == "conf.d\ufffd"


def test_an_included_file_that_cannot_be_read_is_a_problem() -> None:
    """stunnel stops there without a line; the rest still shows."""
    steps = parse(PATH)
    next(steps)
    steps.send(b"include = d\nclient = yes\n[a]\naccept = 1\nconnect = 2\n")
    steps.send(("x",))
    with pytest.raises(StopIteration) as end:
        steps.send(Failure(Reason.NOT_REGULAR, "not a regular file"))
    parsed: Config = end.value.value
    assert [problem[:4] for problem in parsed.problems] == [
        ("d/x", None, "", "Cannot open configuration file")
    ]
    assert [service.name for service in parsed.services] == ["a"]


@pytest.mark.parametrize("reason", [Reason.DENIED, Reason.TIMEOUT])
@pytest.mark.parametrize("file", ["", "d/x"])
def test_what_is_included_and_only_closed_to_us_is_no_problem(reason: Reason, file: str) -> None:
    """stunnel may read it: the rest shows, and nothing is held against what may stand there."""
    failure, text = Failure(reason, "not for us"), b"include = d\n[a]\naccept = 1\n"
    parsed = run(PATH, lambda path: text if path == PATH else failure, lambda _: ("x",) if file else failure)
    assert (parsed.problems, parsed.failure) == ((), None)
    assert parsed.withheld == (file or "d", failure)
    assert [service.name for service in parsed.services] == ["a"]


def test_a_file_that_cannot_be_read_is_a_failure() -> None:
    """Nothing is known then, and nothing is said."""
    failure = Failure(Reason.MISSING)
    parsed = run(PATH, lambda _: failure, lambda _: failure)
    assert (parsed.failure, parsed.services, parsed.problems) == (failure, (), ())


@pytest.mark.parametrize(
    "text",
    [
        b"#" * (stunnel_conf.MAX_FILE + 1),
        b"[]\n" * (stunnel_sections.MAX_SERVICES + 1),
        b"x\n" * (stunnel_conf.MAX_ROWS + 1),
    ],
    ids=["bytes", "services", "lines"],
)
def test_what_exceeds_a_bound_is_a_failure(text: bytes) -> None:
    """The rest stays unread, and it says so."""
    parsed = config(text)
    assert parsed.failure is not None
    assert parsed.failure.reason is Reason.TOO_LARGE
    assert len(parsed.problems) <= stunnel_sections.MAX_PROBLEMS


def test_ten_thousand_services_are_no_bound() -> None:
    """Each led to by its server name: the first of the fleet is looked up, not looked for."""
    names = "".join(
        f"[s{each}]\nsni = web:s{each}.example\nconnect = 2\ncert = /x\n" for each in range(10_000)
    )
    parsed = config(f"[web]\naccept = 1\nconnect = 2\ncert = /x\n{names}")
    assert (parsed.failure, parsed.problems, len(parsed.services)) == (None, (), 10_001)
    assert {service.sni_of for service in parsed.services} == {None, 0}


def test_includes_that_multiply_come_to_an_end() -> None:
    """Folders that differ in spelling only are not seen as a circle; depth and number end them."""
    folder = ("a", "b", "c")
    parsed = run(PATH, lambda path: b"include = " + path.encode() + b"\n", lambda _: folder)
    assert len(parsed.files) <= stunnel_conf.MAX_FILES + 1
    assert parsed.failure or parsed.problems


def test_a_later_release_knows_more_options() -> None:
    """`since` decides; values and reasons follow the release too."""
    text = "[a]\nclient = yes\naccept = 1\nconnect = 2\nretry = 500\nTIMEOUTocsp = 5\nverifyChain = yes\n"
    assert [line for line, _ in reasons(config(text))] == [5, 6]
    assert reasons(config(text, version=(5, 75))) == [
        (None, 'Either "CAengine", "CAfile", "CApath" or "CAstore" has to be configured')
    ]
    ocsp = "[a]\nclient = yes\naccept = 1\nconnect = 2\nOCSP = http://x\n"
    assert reasons(config(ocsp)) == []
    assert reasons(config(ocsp, version=(5, 71))) == [
        (None, '"verifyChain" has to be enabled for OCSP support')
    ]


def test_a_secret_is_never_quoted() -> None:
    """Not where its line is refused, nor where its name is mistyped."""
    secret = "hunter2"  # noqa: S105
    parsed = config(
        f"[a]\nticketKeySecret = {secret}\nprotocolPassword {secret}\nprotocolPasswort = {secret}\n"
        f"[protocolPassword={secret}] x\nTicketMacSecret={secret} ; {secret}\n"
    )
    assert len(parsed.problems) >= 4
    assert secret not in repr(parsed.problems)
    assert parsed.problems[0].text == f"ticketKeySecret = {MASK}"


def test_secrets_are_masked_for_shows() -> None:
    """A mask does not tell the length; other values are left alone."""
    assert is_secret("PROTOCOLPASSWORD")
    options = config("[a]\nprotocolPassword = abc\nprotocolUsername = abc\n").services[0].options
    assert options["protocolPassword"][0].shown == MASK
    assert options["protocolUsername"][0].shown == "abc"
    assert masked_line("connect = x:1") == "connect = x:1"


def test_options_are_found_by_any_spelling() -> None:
    """Case and aliases lead to the canonical name; look-alikes of other alphabets do not."""
    assert [find(name).name for name in ("CAFILE", "curve", "Session", "ocsp")] == [  # type: ignore[union-attr]
        *("CAfile", "curves", "sessionCacheTimeout", "OCSP")
    ]
    assert find("\u212aey") is None
    assert {option.name for option in OPTIONS if option.scope is Scope.GLOBAL} >= {"pid", "output", "setEnv"}


def test_outside_text_is_printable() -> None:
    """Escape sequences and overrides of the writing direction do not get through."""
    parsed = config(b"[a\x1b[31m]\nconnect = \xe2\x80\xaex\nbogus \x07\n")
    shown = repr((parsed.services, parsed.problems))
    assert "\ufffd" in shown
    assert not {"\\x1b", "\\x07", "\\u202e"} & {shown[i : i + 6] for i in range(len(shown))}
    assert "\x1b" not in parsed.services[0].name


WORDS = [
    *(option.name.encode() for option in OPTIONS),
    *(b"yes", b"no", b"7", b"a:b", b"l:SO_LINGER=1:2", b"all", b"TLSv1.3", b"daemon.info", b"1" * 5000),
    *(b"=", b" ", b"\n", b"\r", b"\0", b"[", b"]", b"#", b"\xef\xbb\xbf", b"\xff", b".", b":", b"-"),
]


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    st.binary(max_size=300) | st.lists(st.sampled_from(WORDS), max_size=60).map(b"".join),
    st.lists(st.sampled_from(WORDS), max_size=20).map(b"".join),
)
def test_no_text_makes_the_parser_raise(text: bytes, included: bytes) -> None:
    """Whatever stands in the files, there is a configuration with bounded contents."""
    parsed = run(PATH, lambda path: text if path == PATH else included, lambda _: ("a", "b"))
    assert len(parsed.problems) <= stunnel_sections.MAX_PROBLEMS
    assert [service.key.ordinal for service in parsed.services] == list(range(len(parsed.services)))
    assert all(problem.reason and problem.meaning for problem in parsed.problems)


OPTION_LINES = st.tuples(
    st.sampled_from([option.name for option in OPTIONS]),
    st.text(max_size=12) | st.sampled_from(["yes", "1", "a:SO_LINGER=", "::", "+", "daemon.", "."]),
)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(OPTION_LINES, max_size=8), st.lists(OPTION_LINES, max_size=8))
def test_no_value_makes_the_parser_raise(
    before: list[tuple[str, str]], within: list[tuple[str, str]]
) -> None:
    """Every option meets every sort of value, as a default and in a section."""
    lines = [*(f"{name} = {value}" for name, value in before), "[a]"]
    lines += [f"{name} = {value}" for name, value in within]
    parsed = run(PATH, lambda path: "\n".join(lines).encode() if path == PATH else b"", lambda _: ("a",))
    assert parsed.services
