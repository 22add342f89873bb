"""What a reload comes to is known beforehand: each hazard is held against a real stunnel that is reloaded."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace

from tests.fixtures import PATIENCE, eventually, free_port
from tests.lab.authority import issue
from tests.lab.bench import STUNNEL, Lab, Running
from tuimon.commands.status import sweep
from tuimon.diagnose.hazard import Outcome, hazards
from tuimon.host.local import LocalHost
from tuimon.model.access import Credentials
from tuimon.model.failure import Failure
from tuimon.model.instance import Instance
from tuimon.model.process import Process
from tuimon.model.service import InstanceKey
from tuimon.settings import Probes, Settings

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up being root")
_QUICK = Settings(probes=Probes(timeout=2, repeat_after=0.05, early_close=0.05))
_NOBODY = ("setuid = nobody",)


class Yard:
    """A folder that nobody may enter, in the user's sense, and one stunnel in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "logs" / "s.log"
        self.config = folder / "s.conf"
        (folder / "logs").mkdir()
        shutil.chown(folder / "logs", "nobody")
        leaf = issue("yard", days=(-1, 90))
        (folder / "s.pem").write_bytes(leaf.pem)
        (folder / "s.key").write_bytes(leaf.key_pem)
        (folder / "secrets").write_text(f"one:{'k' * 32}\n")
        self.globals: tuple[str, ...] = ("foreground = quiet", "pid =")
        self.accept = f"127.0.0.1:{free_port()}"
        self.more: tuple[str, ...] = ()
        self.cert = str(folder / "s.pem")
        self.log_in_config = str(self.log)

    def write(self) -> None:
        lines = ("syslog = no", f"output = {self.log_in_config}", *self.globals, "[s]")
        service = (f"accept = {self.accept}", "connect = 9", f"cert = {self.cert}")
        lines = (*lines, *service, f"key = {self.folder / 's.key'}", *self.more)
        self.config.write_text("\n".join(lines) + "\n")

    @property
    def listens(self) -> bool:
        """Whether somebody takes a connection at its accept address."""
        unix = self.accept.startswith("/")
        with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as client:
            host, _, port = self.accept.rpartition(":")
            return client.connect_ex(self.accept if unix else (host, int(port))) == 0


@pytest.fixture
def yard() -> Iterator[Yard]:
    folder = Path(tempfile.mkdtemp(prefix="tuimon-yard-"))
    folder.chmod(0o755)
    yield Yard(folder)
    shutil.rmtree(folder)


def _low_port() -> int:
    """A port that only root may bind, and that is free."""
    for port in range(1023, 600, -1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port below 1024")


def low_port(yard: Yard) -> None:
    yard.globals += _NOBODY
    yard.accept = f"127.0.0.1:{_low_port()}"


def low_port_as_root(yard: Yard) -> None:
    yard.accept = f"127.0.0.1:{_low_port()}"


def key_of_root(yard: Yard) -> None:
    yard.globals += _NOBODY
    (yard.folder / "s.key").chmod(0o600)


def key_of_nobody(yard: Yard) -> None:
    yard.globals += _NOBODY
    (yard.folder / "s.key").chmod(0o400)
    shutil.chown(yard.folder / "s.key", "nobody")


def key_in_a_closed_folder(yard: Yard) -> None:
    yard.globals += _NOBODY
    closed = yard.folder / "private"
    closed.mkdir(mode=0o700)
    (yard.folder / "s.key").rename(closed / "s.key")
    (yard.folder / "s.key").symlink_to("private/s.key")


def key_of_its_group(yard: Yard) -> None:
    yard.globals += (*_NOBODY, "setgid = nogroup")
    (yard.folder / "s.key").chmod(0o640)
    shutil.chown(yard.folder / "s.key", "root", "nogroup")


def configuration_of_root(yard: Yard) -> None:
    yard.globals += _NOBODY
    yard.config.touch(mode=0o600)


def secrets_of_root(yard: Yard) -> None:
    yard.globals += _NOBODY
    yard.more = (f"PSKsecrets = {yard.folder / 'secrets'}",)
    (yard.folder / "secrets").chmod(0o600)


def authority_of_root(yard: Yard) -> None:
    yard.globals += _NOBODY
    shutil.copy(yard.folder / "s.pem", yard.folder / "ca.pem")
    (yard.folder / "ca.pem").chmod(0o600)
    yard.more = (f"CAfile = {yard.folder / 'ca.pem'}", "verifyChain = yes")


def authority_that_nobody_asks(yard: Yard) -> None:
    authority_of_root(yard)
    yard.more = yard.more[:1]


def socket_in_a_folder_of_root(yard: Yard) -> None:
    yard.globals += _NOBODY
    yard.accept = str(yard.folder / "s.sock")


def socket_in_a_folder_of_nobody(yard: Yard) -> None:
    yard.globals += _NOBODY
    yard.accept = str(yard.folder / "logs" / "s.sock")


def socket_in_a_folder_of_all(yard: Yard) -> None:
    yard.globals += _NOBODY
    (yard.folder / "all").mkdir()
    (yard.folder / "all").chmod(0o1777)
    yard.accept = str(yard.folder / "all" / "s.sock")


def jail(yard: Yard) -> None:
    (yard.folder / "jail" / "logs").mkdir(parents=True)
    yard.globals += (f"chroot = {yard.folder / 'jail'}",)
    yard.log, yard.log_in_config = yard.folder / "jail" / "logs" / "s.log", "/logs/s.log"


def relative_in_the_foreground(yard: Yard) -> None:
    yard.cert = "s.pem"


def log_overwritten(yard: Yard) -> None:
    yard.globals += ("log = overwrite",)


def plain(yard: Yard) -> None:
    pass


CASES: list[tuple[Callable[[Yard], None], Outcome | None, str]] = [
    (low_port, Outcome.OUTAGE, "nobody may not bind port"),
    (low_port_as_root, None, ""),
    (key_of_root, Outcome.REFUSED, "nobody may not read s.key"),
    (key_of_nobody, None, ""),
    (key_in_a_closed_folder, Outcome.REFUSED, "private"),
    (key_of_its_group, None, ""),
    (configuration_of_root, Outcome.REFUSED, "nobody may not read s.conf"),
    (secrets_of_root, Outcome.REFUSED, "nobody may not read secrets"),
    (authority_of_root, Outcome.REFUSED, "nobody may not read ca.pem"),
    (authority_that_nobody_asks, None, ""),
    (socket_in_a_folder_of_root, Outcome.OUTAGE, "nobody may not remove s.sock"),
    (socket_in_a_folder_of_nobody, None, ""),
    (socket_in_a_folder_of_all, None, ""),
    (jail, Outcome.REFUSED, "is not in the jail"),
    (relative_in_the_foreground, None, ""),
    (log_overwritten, Outcome.LOSS, "empties the log s.log"),
    (plain, None, ""),
]


class Started(Struct):
    """A stunnel of the yard's."""

    yard: Yard
    running: Running
    lab: Lab

    def told(self) -> Instance:
        """What a sweep knows of it."""
        store = asyncio.run(sweep(_QUICK, (str(self.yard.config),)))
        (row,) = store.instances()
        return row.instance


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    room = Lab(tmp_path)
    yield room
    room.close()


@pytest.fixture
def start(lab: Lab, yard: Yard) -> Callable[[], Started]:
    def begin() -> Started:
        yard.write()
        before = os.getcwd()
        os.chdir(yard.folder)
        try:
            running = Running(lab, yard.config, yard.log)
        finally:
            os.chdir(before)
        running.wait_for("Configuration successful")
        return Started(yard, running, lab)

    return begin


@pytest.mark.parametrize(("case", "outcome", "words"), CASES, ids=[each[0].__name__ for each in CASES])
def test_what_a_reload_comes_to_is_known_beforehand(
    yard: Yard,
    start: Callable[[], Started],
    case: Callable[[Yard], None],
    outcome: Outcome | None,
    words: str,
) -> None:
    """First it is said, then it is done, and what was said is what happens."""
    case(yard)
    started = start()
    known = hazards(started.told())
    assert [each.outcome for each in known] == ([outcome] if outcome else [])
    assert all(words in each.text for each in known)
    answers = {
        None: "Configuration successful",
        Outcome.OUTAGE: "Binding service [s] failed",
        Outcome.REFUSED: "Failed to reload the configuration file",
    }
    length = yard.log.stat().st_size
    if outcome is Outcome.LOSS:
        started.running.reload_until(lambda: yard.log.stat().st_size < length)
    else:
        started.running.reload(answer=answers[outcome])
    if outcome is Outcome.OUTAGE:
        assert not yard.listens
    else:  # bound again only after the log said so
        asyncio.run(eventually(lambda: yard.listens))


def test_a_daemon_has_left_the_folder_that_its_paths_start_in(yard: Yard, lab: Lab) -> None:
    """It serves what it has loaded, so nothing is amiss; but a reload finds nothing."""
    yard.cert = "s.pem"
    yard.globals = (f"pid = {yard.folder / 's.pid'}",)
    yard.write()
    subprocess.run([STUNNEL, str(yard.config)], cwd=yard.folder, check=True, capture_output=True)
    asyncio.run(eventually(lambda: (yard.folder / "s.pid").exists() and (yard.folder / "s.pid").read_text()))
    pid = int((yard.folder / "s.pid").read_text())
    lab.defer(lambda: os.kill(pid, signal.SIGTERM))
    store = asyncio.run(sweep(_QUICK, (str(yard.config),)))
    (row,) = store.instances()
    (known,) = hazards(row.instance)
    assert known.outcome is Outcome.REFUSED
    assert "`cert = s.pem` is relative, it runs in /" in known.text
    assert not [each for each in row.findings if each.code != "reload-hazard"]
    os.kill(pid, signal.SIGHUP)
    asyncio.run(eventually(lambda: "Failed to reload" in yard.log.read_text()))
    assert yard.listens


def test_a_descriptor_is_read_once_only(yard: Yard, lab: Lab) -> None:
    """stunnel3 hands its configuration over as `-fd N`: a reload looks for a file of that name."""
    yard.write()
    with yard.config.open() as config:
        number = config.fileno()
        argv = ["setpriv", "--pdeathsig", "TERM", STUNNEL, "-fd", str(number)]
        with (yard.folder / "err").open("wb") as err:
            process = subprocess.Popen(argv, pass_fds=(number,), stderr=err)
    lab.defer(lambda: process.wait(PATIENCE))
    lab.defer(process.terminate)

    def said(words: str) -> Callable[[], bool]:
        def fact() -> bool:
            assert process.poll() is None, (yard.folder / "err").read_text()
            return yard.log.exists() and words in yard.log.read_text()

        return fact

    asyncio.run(eventually(said("Configuration successful")))
    told = asyncio.run(host_processes())
    (seen,) = [each for each in told if each.pid == process.pid]
    (known,) = hazards(Instance(InstanceKey("here", f"pid {seen.pid}"), processes=(seen,)))
    assert known.outcome is Outcome.REFUSED
    process.send_signal(signal.SIGHUP)
    asyncio.run(eventually(said("Failed to reload")))
    assert yard.listens


async def host_processes() -> tuple[Process, ...]:
    host = LocalHost()
    found = await host.processes()
    await host.close()
    assert not isinstance(found, Failure)
    return found


def test_who_may_bind_low_ports_may_reload(yard: Yard, lab: Lab) -> None:
    """As systemd starts it with AmbientCapabilities=: no root, and no outage."""
    low_port(yard)
    yard.globals = yard.globals[:-1]
    yard.write()
    who = ("--reuid", "nobody", "--regid", "nogroup", "--clear-groups")
    able = ("--inh-caps", "+net_bind_service", "--ambient-caps", "+net_bind_service")
    process = subprocess.Popen(["setpriv", *who, *able, "--pdeathsig", "TERM", STUNNEL, str(yard.config)])
    lab.defer(lambda: process.wait(PATIENCE))
    lab.defer(process.terminate)
    asyncio.run(eventually(lambda: yard.log.exists() and "successful" in yard.log.read_text()))
    store = asyncio.run(sweep(_QUICK, (str(yard.config),)))
    (row,) = store.instances()
    assert hazards(row.instance) == ()
    process.send_signal(signal.SIGHUP)
    asyncio.run(eventually(lambda: yard.log.read_text().count("successful") == 2 and yard.listens))
    unable = replace(row.instance.processes[0], credentials=Credentials(65534, 65534))
    without = replace(row.instance, processes=(unable,))
    assert [each.outcome for each in hazards(without)] == [Outcome.OUTAGE]
    assert hazards(replace(without, unprivileged_from=80)) == ()
