"""What is loaded and what is on disk, with real stunnel and real edits, through a running runtime."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.fixtures import Backend, Pki, Stunnel, eventually, free_port
from tuimon import export
from tuimon.bundle import bundle
from tuimon.commands.status import sweep, table
from tuimon.diagnose.finding import Severity, State
from tuimon.host.local import LocalHost
from tuimon.runtime import Runtime
from tuimon.settings import Settings
from tuimon.store import Row, Store
from tuimon.ui.document import Document
from tuimon.ui.palette import Palette
from tuimon.ui.service_page import page

SECRETS = ("hunter2", "hunter3", "swordfish")


class Bed:
    """One stunnel with the services `web` and `ldap`, whose file is edited."""

    def __init__(self, start: Callable[..., Stunnel], target: int, files: str) -> None:
        self.target = target
        self.ports = {name: free_port() for name in ("web", "ldap", "new")}
        self.stunnel = start(self.section("web") + self.section("ldap"), cert="", options=files)
        self.path = self.stunnel.config
        self.head = self.path.read_text().partition("[web]")[0]
        self._edits = 0

    def section(self, name: str, *options: str) -> str:
        lines = (f"[{name}]", f"accept = 127.0.0.1:{self.ports[name]}", f"connect = 127.0.0.1:{self.target}")
        return "\n".join((*lines, *options)) + "\n"

    def edit(self, *sections: str, head: str = "") -> None:
        """Put the new text in place as editors do, dated past the second of the last load."""
        fresh = self.path.with_suffix(".new")
        fresh.write_text(self.head + head + "".join(sections))
        self._edits += 1
        self.date(fresh)
        fresh.replace(self.path)

    def date(self, path: Path) -> None:
        stamp = time.time() + 1 + self._edits
        os.utime(path, (stamp, stamp))

    def now(self) -> None:
        """Date the file as it is now, so that the next load is later."""
        os.utime(self.path)


@pytest.fixture
def bed(
    start_stunnel: Callable[..., Stunnel], backend: Callable[..., Backend], pki: Pki, tmp_path: Path
) -> Bed:
    own = tmp_path / "own.pem"
    own.touch(mode=0o600)
    own.write_bytes(pki.pem("server.pem") + pki.pem("server.key"))
    return Bed(start_stunnel, backend().port, f"cert = {own}")


@contextlib.asynccontextmanager
async def watching(path: Path) -> AsyncIterator[Store]:
    """A runtime over one configuration that has looked at everything once."""
    runtime = Runtime(LocalHost(poll=60), Settings(), (str(path),))
    task = asyncio.create_task(runtime.run())
    try:
        await asyncio.wait_for(runtime.settle(), 15)
        yield runtime.store
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def rows(store: Store) -> dict[str, Row]:
    return {row.tunnel.service.name: row for row in store.rows()}


def said(store: Store) -> dict[str, str]:
    """State and cause of every service."""
    return {name: f"{row.state} {row.why}".strip() for name, row in rows(store).items()}


def calm(store: Store) -> bool:
    """Whether every service is well and nothing is said of a change."""
    return all(row.state is State.OK and not row.findings for row in store.rows()) and len(rows(store)) == 2


def edited_lines(store: Store) -> list[str]:
    """The lines of the difference that were taken away or added."""
    change = store.instances()[0].instance.change
    return [line for line in change.diff if line[0] in "+-"][2:] if change else []


def everything(store: Store) -> str:
    """All that is shown, exported or kept."""
    palette = Palette()
    chronicle = store.logbook.chronicle
    pages = [
        page(
            Document(palette, 80, now=store.now, settings=store.settings),
            row,
            [],
            store.past(row.key),
            chronicle,
        )
        for row in store.rows()
    ]
    text = bundle(store, [row.instance.key for row in store.instances()], [])
    assert all(line.cell_len <= 80 for each in pages for line in each.lines)
    assert all("Changed on disk" in each.plain for each in pages)
    kept = (each.read_text() for each in Path(os.environ["XDG_STATE_HOME"]).rglob("*.json"))
    return "\n".join(
        (
            text,
            *table(store, 200),
            json.dumps(export.status(store), ensure_ascii=False),
            *(each.plain for each in pages),
            *kept,
            repr(store.rows()),
        )
    )


async def test_what_changed_is_said_and_only_of_whom_it_concerns(bed: Bed) -> None:
    """An option, back again, a comment, a touch; reloaded: nothing to say."""
    async with watching(bed.path) as store:
        assert calm(store), [(row.state, row.findings) for row in store.rows()]
        bed.edit(bed.section("web", "TIMEOUTidle = 60"), bed.section("ldap"))
        await eventually(lambda: rows(store)["web"].state is State.WARNING)
        assert said(store)["web"].startswith("warning TIMEOUTidle of [web] changed ")
        assert said(store)["web"].endswith(" just now, not loaded: reload")
        ldap = rows(store)["ldap"]
        assert (ldap.state, ldap.why, [each.severity for each in ldap.findings]) == (
            State.OK,
            "",
            [Severity.INFO],
        )
        assert "+TIMEOUTidle = 60" in rows(store)["web"].findings[0].evidence
        bed.edit(bed.section("web"), bed.section("ldap"))
        await eventually(lambda: calm(store))
        bed.edit(bed.section("web", "; later"), bed.section("ldap"))
        await eventually(lambda: rows(store)["web"].findings)
        assert {row.state for row in store.rows()} == {State.OK}
        bed.edit(bed.section("web", "TIMEOUTidle = 60"), bed.section("ldap"))
        await eventually(lambda: rows(store)["web"].state is State.WARNING)
        bed.now()
        bed.stunnel.reload()
        await eventually(lambda: calm(store))


async def test_a_reload_that_fails_leaves_what_was_loaded(bed: Bed) -> None:
    """The difference is still to the text that serves."""
    async with watching(bed.path) as store:
        bed.edit(bed.section("web", "oops"), bed.section("ldap"))
        bed.now()
        os.kill(bed.stunnel.pid, 1)
        bed.stunnel.wait_for("Failed to reload")
        await eventually(lambda: "reload-failed" in [each.code for each in rows(store)["web"].findings])
        bed.edit(bed.section("web", "TIMEOUTidle = 60"), bed.section("ldap"))
        await eventually(lambda: edited_lines(store) == ["+TIMEOUTidle = 60"])


async def test_a_section_that_is_gone_from_disk_is_shown_as_long_as_it_is_served(bed: Bed) -> None:
    """It is probed where it listens; a new one is not served yet; the reload ends both."""
    async with watching(bed.path) as store:
        before = rows(store)["web"].tunnel.handshake
        bed.edit(bed.section("new"), bed.section("ldap"))
        await eventually(lambda: {"new", "web", "ldap"} == rows(store).keys())
        assert said(store)["web"].startswith("warning [web] removed ")
        assert said(store)["web"].endswith(" just now, still served: reload")
        assert said(store)["new"].startswith("warning [new] added ")
        assert rows(store)["ldap"].state is State.OK
        await eventually(lambda: rows(store)["web"].tunnel.handshake not in {None, before})
        handshake = rows(store)["web"].tunnel.handshake
        assert handshake is not None
        assert handshake.ok
        assert rows(store)["web"].tunnel.sessions == 0
        bed.now()
        bed.stunnel.reload()
        await eventually(lambda: calm(store) and rows(store).keys() == {"new", "ldap"})


async def test_what_was_loaded_is_remembered_from_run_to_run(bed: Bed) -> None:
    """Each run by itself, as from cron; a restart of stunnel, damage and strangers' files are no memory."""
    await sweep(Settings(), (str(bed.path),))
    bed.edit(bed.section("web"), bed.section("ldap", "TIMEOUTidle = 60"))
    store = await sweep(Settings(), (str(bed.path),))
    assert rows(store)["web"].state is State.OK
    assert said(store)["ldap"].startswith("warning TIMEOUTidle of [ldap] changed ")
    files = list(Path(os.environ["XDG_STATE_HOME"], "tuimon", "loaded").iterdir())
    (kept,) = (each for each in files if str(bed.path) in each.read_text())
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    good = kept.read_bytes()
    other = json.loads(good) | {"pid": 1}
    later = json.loads(good) | {"loaded_at": 1e300}
    for damage in (
        b"",
        b"\xff{",
        good[:-9],
        b"[" * 100_000,
        json.dumps(other).encode(),
        json.dumps(later).encode(),
    ):
        kept.write_bytes(damage)
        store = await sweep(Settings(), (str(bed.path),))
        assert said(store)["web"].startswith("warning stunnel.conf changed ")
        assert store.instances()[0].instance.change is None


async def test_a_folder_that_cannot_be_written_breaks_nothing(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state folder is a file: the sweep ends, and says what it can."""
    monkeypatch.setenv("XDG_STATE_HOME", str(bed.path))
    store = await sweep(Settings(), (str(bed.path),))
    assert store.pending() == ()
    assert calm(store), [(row.state, row.findings) for row in store.rows()]


async def test_no_secret_is_shown_exported_or_kept(bed: Bed) -> None:
    """Changed, mistyped, commented out, in a line that is no option, in a block: seen, and never told."""
    old = bed.section("web", "protocolPassword = hunter2", "; protocolPasword swordfish")
    bed.edit(old, bed.section("ldap"))
    bed.now()
    bed.stunnel.reload()
    await sweep(Settings(), (str(bed.path),))
    bed.edit(bed.section("web", "protocolPassword = hunter3"), bed.section("ldap"))
    store = await sweep(Settings(), (str(bed.path),))
    assert said(store)["web"].startswith("warning protocolPassword of [web] changed ")
    assert "+protocolPassword = ••••••" in everything(store)
    assert not [secret for secret in SECRETS if secret in everything(store)]
    key = "-----BEGIN PRIVATE KEY-----\nswordfish\n-----END PRIVATE KEY-----"
    wrong = ("protocolPaswort = swordfish", "swordfish", "exec = /x --password swordfish", key)
    bed.edit(bed.section("web", *wrong), bed.section("ldap"))
    store = await sweep(Settings(), (str(bed.path),))
    (instance,) = export.status(store)["instances"]
    assert "+protocolPaswort = ••••••" in instance["diff"]
    assert "swordfish" not in "\n".join(instance["diff"])
