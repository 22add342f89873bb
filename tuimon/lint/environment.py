"""What stunnel would find on the machine, asked in its order while the text is read.

Rule: a refusal is what stunnel exits for; everything else that is seen (a name that does not resolve
yet, a file that is closed to us) is a note.
"""

from collections.abc import Awaitable, Callable

from tuimon.lint import context, credentials
from tuimon.lint.credentials import Doubt, Judgement
from tuimon.lint.machine import Machine
from tuimon.lint.report import at
from tuimon.model.endpoint import Endpoint
from tuimon.model.failure import Failure, Reason
from tuimon.model.remark import CLOSED, Remark, Scope, Severity
from tuimon.model.service import Value
from tuimon.parse import stunnel_psk
from tuimon.parse.stunnel_asks import JudgeLine, JudgeSection, Question
from tuimon.parse.stunnel_checks import Refusal, Stage
from tuimon.parse.stunnel_options import Version
from tuimon.parse.stunnel_section import Section, Values
from tuimon.parse.stunnel_values import c_int, lower

Step = Callable[[Machine, Section], Awaitable[Judgement]]


class Environment:
    """Answers the parser's questions for one configuration.  `notes` are what is not refused,
    `defaults` the service-level options before the first section, once they have ended.

    `loaded` says that a process runs this very text: what OpenSSL says to its words is known.
    """

    def __init__(self, machine: Machine, version: Version, *, loaded: bool = False) -> None:
        self._machine = machine
        self._version = version
        self._identities: dict[str, tuple[str, ...]] = {}
        self._pairs: dict[tuple[tuple[str, str], ...], Judgement] = {}
        self.notes: list[Remark] = []
        self.defaults: Values = {}
        files = (self._pair, credentials.authorities, credentials.revocations)
        words = (context.versions, context.ciphers, context.ciphersuites, context.commands)
        self._steps: tuple[Step, ...] = (*words, *files, context.curves)
        if loaded:
            self._steps = files

    async def answer(self, question: Question) -> Refusal | None:
        """What stunnel would say, or None."""
        if isinstance(question, JudgeLine):
            judged = await self._line(question.option, question.value)
            if isinstance(judged, Doubt):
                self._doubt(judged, question.value)
        else:
            judged = await self._section(question)
            if isinstance(judged, Doubt):
                self._doubt_in(judged, question.section, question.globals)
        return judged if isinstance(judged, Refusal) else None

    # While a line is read

    async def _line(self, option: str, value: Value) -> Judgement:
        match option:
            case "engine":
                return await self._engine(value)
            case "PSKsecrets":
                return await self._keys(value)
            case "setuid" | "setgid":
                return await self._user(option, value)
            case "local":
                answer, reason = self._machine.host(value.exact), "Failed to resolve local address"
            case _:
                answer = self._machine.resolves(Endpoint.parse(value.exact))
                reason = "Failed to resolve sessiond server address"
        resolves = await answer
        if resolves is None:
            return Doubt(option, f"no answer to whether {value.shown} resolves")
        meaning = f"`{option} = {value.shown}` does not resolve on this machine"
        return None if resolves else Refusal(reason, meaning, option, "unresolved", True)

    async def _engine(self, value: Value) -> Judgement:
        reason = "" if lower(value.text) == "auto" else await self._machine.openssl("engine", value.exact)
        if reason is None:
            return Doubt("engine", "there is no openssl command to ask")
        meaning = f"OpenSSL cannot open the engine `{value.shown}`: {reason}"
        refusal = Refusal("Failed to open the engine", meaning, "engine", "engine-missing", True)
        return refusal if reason else None

    async def _user(self, option: str, value: Value) -> Judgement:
        name = value.text
        if c_int(name) is not None:
            return None
        database, noun = ("passwd", "user") if option == "setuid" else ("group", "group")
        known = await self._machine.user(value.exact, database)
        if known is None:
            return Doubt(option, f"no answer to whether the {noun} {name} exists")
        meaning = f"there is no {noun} `{name}` on this machine"
        return (
            None if known else Refusal(f"Illegal {option[3:].upper()}", meaning, option, "user-unknown", True)
        )

    async def _keys(self, value: Value) -> Judgement:
        path, said = value.exact, "Failed to read PSK secrets"
        content = await self._machine.read(path)
        if isinstance(content, Failure):
            if content.reason in {Reason.DENIED, Reason.TOO_LARGE, Reason.TIMEOUT}:
                return Doubt("PSKsecrets", str(content), closed=content.reason is Reason.DENIED)
            return Refusal(said, f"`PSKsecrets` cannot be read: {content}", "PSKsecrets", "psk-missing", True)
        read = stunnel_psk.read(content.data)
        if isinstance(read, str) or not read:
            meaning = f"{value.text}: {read or 'it holds no key'}"
            return Refusal(said, meaning, "PSKsecrets", "psk-invalid", True)
        self._identities[path] = read
        return None

    # When a section ends

    async def _section(self, question: JudgeSection) -> Judgement:
        match question.stage:
            case Stage.GLOBALS:
                self.defaults = dict(question.section.values)
                return await self._globals(question.globals)
            case Stage.ACCEPT:
                return await self._accept(question.section)
            case Stage.PSK:
                return self._identity(question.section)
            case Stage.CONTEXT:
                return await self._context(question.section, question.globals)

    async def _globals(self, options: Values) -> Judgement:
        said = "Failed to initialize TLS"
        if "fips" in options and lower(options["fips"][-1].text) == "yes":
            reason = await self._machine.provider("fips")
            if reason:
                meaning = f"OpenSSL has no FIPS provider here: {reason}"
                return Refusal(said, meaning, "fips", "fips-missing", True)
            if reason is None:
                return Doubt("fips", "there is no openssl command to ask")
        if "compression" in options:
            compresses = await self._machine.compresses()
            if compresses is None:
                return Doubt("compression", "there is no openssl command to ask")
            if not compresses:
                meaning = "this OpenSSL was built without compression: remove the line"
                return Refusal(said, meaning, "compression", "compression-missing", True)
        return None

    async def _accept(self, section: Section) -> Judgement:
        """One address that resolves is enough."""
        values = section.values.get("accept", ())
        answers = [await self._machine.resolves(Endpoint.parse(value.exact)) for value in values]
        if not values or any(answers):
            return None
        if None in answers:
            return Doubt("accept", f"no answer to whether {values[-1].text} resolves")
        meaning = f"`accept = {values[-1].text}` does not resolve on this machine"
        return Refusal("Cannot resolve accept target", meaning, "accept", "accept-unresolved", True)

    def _identity(self, section: Section) -> Judgement:
        known = self._identities.get(section.exact("PSKsecrets"))
        wanted = section.text("PSKidentity")
        if not section.client or known is None or "PSKidentity" not in section.values or wanted in known:
            return None
        meaning = f"the file of `PSKsecrets` has no key for the identity `{wanted}`"
        reason = "No key found for the specified PSK identity"
        return Refusal(reason, meaning, "PSKidentity", "psk-invalid", True)

    async def _context(self, section: Section, options: Values) -> Judgement:
        """The TLS context, step by step as stunnel builds it; the first refusal ends it."""
        for step in self._steps:
            judged = await step(self._machine, section)
            if isinstance(judged, Refusal):
                return judged
            if judged:
                self._doubt_in(judged, section, options)
        return None

    async def _pair(self, machine: Machine, section: Section) -> Judgement:
        """Sections often share one certificate, and what was said of it is true for all of them."""
        asked = tuple((name, section.exact(name)) for name in credentials.ASKED if name in section.values)
        if asked not in self._pairs:
            self._pairs[asked] = await credentials.pair(machine, section, self._version)
        return self._pairs[asked]

    # Notes

    def _doubt_in(self, doubt: Doubt, section: Section, options: Values) -> None:
        said = section.values.get(doubt.option) or options.get(doubt.option)
        self._doubt(doubt, said[-1] if said else Value("", section.file, section.line))

    def _doubt(self, doubt: Doubt, value: Value) -> None:
        if doubt.loss:
            text = f"stunnel logs an error and goes on: {doubt.why}"
            self.notes.append(at(value, Severity.WARNING, Scope.ENVIRONMENT, "ca-damaged", text, "mend it"))
            return
        if self._machine.path(value.exact) in self._machine.silent:  # said of every such file: see `silent`
            return
        text = f"`{doubt.option}` was not judged: {doubt.why}"
        words = (CLOSED, text, "run as root") if doubt.closed else ("not-judged", text)
        self.notes.append(at(value, Severity.INFO, Scope.ENVIRONMENT, *words))
