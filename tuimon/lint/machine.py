"""Questions to a machine, each asked once: names, users, permissions, and what its OpenSSL accepts.

Rule: everything goes through `Host`; commands are argument vectors, and a question that gets no answer
is answered with None, never with a guess.
"""

import asyncio
import os
import re
from copy import copy
from ipaddress import ip_address
from typing import TypeVar

from tuimon.host.base import Completed, FileContent, Host
from tuimon.model.endpoint import Endpoint
from tuimon.model.failure import Failure, Reason
from tuimon.parse.stunnel_options import Version
from tuimon.text import printable

T = TypeVar("T")

_PATIENCE = 10.0  # seconds; a resolver may need most of it to say that a name is unknown
_NOWHERE = "/dev/null/x"  # a Unix socket that no machine has: s_client fails there, after its options
_VERSION = re.compile(rb"stunnel (\d+)\.(\d+)")
_REASON = re.compile(rb"error:[0-9A-F]+:[^:\n]*:[^:\n]*:([^:\n]+)")


class Machine:
    """One host and what it answered so far.

    Relative paths start at `start`; empty: wherever we stand ourselves.  `loaded_at` is when a process
    last took the configuration that is judged (seconds since the epoch, None if none did).
    """

    def __init__(self, host: Host) -> None:
        self.start = ""
        self.loaded_at: float | None = None
        self._host = host
        self._turns = asyncio.Semaphore(8)  # a fleet's names are not looked up all at once
        self._answers: dict[tuple[str, ...], Completed | Failure] = {}
        self._files: dict[str, FileContent | Failure] = {}
        self.silent: set[str] = set()  # paths that got no answer from their file system

    def at(self, start: str, loaded_at: float | None = None) -> "Machine":
        """The same machine, with the same answers, as a process sees it that starts in `start`."""
        other = copy(self)
        other.start, other.loaded_at = start, loaded_at
        return other

    def path(self, path: str) -> str:
        """A path as the file system has it."""
        return os.path.join(self.start, path) if path else path

    async def read(self, path: str) -> FileContent | Failure:
        """A regular file's content."""
        path = self.path(path)
        if path not in self._files:
            self._files[path] = self._heard(path, await self._host.read(path))
        return self._files[path]

    def _heard(self, path: str, answer: T) -> T:
        if isinstance(answer, Failure) and answer.reason is Reason.TIMEOUT:
            self.silent.add(path)
        return answer

    async def loaded(self, *paths: str) -> bool:
        """Whether these files are what the process loaded: then its OpenSSL has taken them already."""
        if self.loaded_at is None:
            return False
        files = [await self.read(path) for path in paths]
        until = self.loaded_at + 1  # the log's clock has whole seconds
        return all(not isinstance(each, Failure) and each.stamp.mtime < until for each in files)

    async def folder(self, path: str) -> tuple[str, ...] | Failure:
        """The names of the files in a folder."""
        path = self.path(path)
        entries = self._heard(path, await self._host.list(path))
        return (
            entries if isinstance(entries, Failure) else tuple(each.name for each in entries if each.regular)
        )

    async def ask(self, *argv: str) -> Completed | Failure:
        """A command's answer, the same whenever it is asked again."""
        if any("\0" in each for each in argv):
            return Failure(Reason.INVALID, "no argument holds a NUL")
        async with self._turns:
            if argv not in self._answers:
                self._answers[argv] = await self._host.run(argv, _PATIENCE)
        return self._answers[argv]

    async def says(self, *argv: str) -> bool | None:
        """Whether a command ends well; None if it does not run or end."""
        answer = await self.ask(*argv)
        if isinstance(answer, Failure) or answer.status in {
            126,
            127,
        }:  # setpriv could not, or found no command
            return None
        return answer.status == 0

    async def stunnel(self) -> Version | None:
        """The release of the installed stunnel."""
        for name in ("stunnel", "stunnel4"):
            answer = await self.ask(name, "-version")
            if isinstance(answer, Completed):
                found = _VERSION.search(answer.stderr + answer.stdout)
                if found:
                    return int(found[1]), int(found[2])
        return None

    # Names

    async def resolves(self, endpoint: Endpoint) -> bool | None:
        """Whether getaddrinfo finds an address for it; a Unix socket always has one."""
        if endpoint.path:
            return True
        if not await self._service(endpoint.port):
            return False
        return await self.host(endpoint.host) if ":" in endpoint.text else True

    async def host(self, name: str) -> bool | None:
        """Whether a host name or an address resolves."""
        if name == "*" or _is_address(name):  # glibc takes `*` for no name at all
            return True
        return await self.says("getent", "ahosts", name)

    async def _service(self, port: str) -> bool | None:
        """A port number, or a TCP service of /etc/services."""
        if port.lstrip(" \t\v\f").lstrip("+-").isdecimal() or not port:
            return True
        return await self.says("getent", "services", f"{port}/tcp")

    async def user(self, name: str, database: str) -> bool | None:
        """Whether `name` is in the database `passwd` or `group`."""
        return await self.says("getent", database, name) if name else False

    async def root(self) -> bool:
        """Whether we may look at everything."""
        answer = await self.ask("id", "-u")
        return isinstance(answer, Completed) and answer.stdout.strip() == b"0"

    async def test(self, flag: str, path: str, user: str = "", group: str = "") -> bool | None:
        """`test -FLAG PATH`, as another user if one is given."""
        if not (user or group):
            if "\0" in path:
                return None
            path = self.path(path)
            allowed = await self._host.allows(path, flag[1:])
            if allowed is None:
                self.silent.add(path)
            return allowed
        who = [f"--reuid={user}"] if user else []
        who += [f"--regid={group}", "--clear-groups"] if group else ["--keep-groups"]
        return await self.says("setpriv", *who, "test", flag, self.path(path))

    # OpenSSL

    async def openssl(self, *argv: str) -> str | None:
        """Empty where `openssl` accepts this, else its reason; None if it cannot be asked."""
        answer = await self.ask("openssl", *argv)
        if isinstance(answer, Failure):
            return None
        return "" if answer.status == 0 else _reason(answer)

    async def context(self, *argv: str) -> str | None:
        """Empty where a TLS context takes these options of s_client, else OpenSSL's reason."""
        answer = await self.ask("openssl", "s_client", *argv, "-unix", _NOWHERE)
        if isinstance(answer, Failure):
            return None
        return "" if b"connect:errno" in answer.stderr else _reason(answer)

    async def provider(self, name: str) -> str | None:
        """Empty where OpenSSL has the provider, else its reason."""
        return await self.openssl("list", "-providers", "-provider", name)

    async def compresses(self) -> bool | None:
        """Whether OpenSSL was built with zlib."""
        answer = await self.ask("openssl", "list", "-disabled")
        return b"ZLIB" not in answer.stdout.split() if isinstance(answer, Completed) else None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return "%" not in name


def _reason(answer: Completed) -> str:
    found = _REASON.search(answer.stderr)
    return printable(found[1] if found else answer.stderr.strip().split(b"\n")[0], 200) or "refused"
