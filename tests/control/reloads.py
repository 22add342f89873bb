"""Situations before a reload, on plain processes."""

import os
import signal
import subprocess

from tests.control.bench import STUNNEL, Bench, Session
from tests.control.row import Play, Shelf
from tuimon.model.action import Action, Result

shelf = Shelf()
VERIFIED, REFUSED, FAILED = Result.VERIFIED, Result.REFUSED, Result.FAILED


def situation(result: Result, *words: str, down: bool = False):  # type: ignore[no-untyped-def]
    return shelf.situation(Action.RELOAD, result, *words, down=down)


def same_process(bench: Bench, before: list[int]) -> None:
    assert bench.pids == before, f"pids {before}, now {bench.pids}"


@situation(VERIFIED, "reloaded in", "certificate unchanged", "1 of 1 service answers")
def nothing_changed(bench: Bench) -> Play:
    bench.start()
    before, session = bench.pids, bench.session()
    yield
    same_process(bench, before)
    assert session.alive, "a reload cut a session"
    assert bench.said().count("Configuration successful") == 2


@situation(
    VERIFIED, "serving the new certificate, 29 days left", "certificate of [reload-renewed-on-disk]: server, "
)
def renewed_on_disk(bench: Bench) -> Play:
    bench.start()
    bench.renew()
    yield
    assert bench.served() == bench.on_disk()


@situation(REFUSED, "the reload would fail, and what serves now would serve on", "No '=' found")
def broken_file(bench: Bench) -> Play:
    bench.start()
    bench.write(bench.section("oops"))
    before = bench.said()
    yield
    assert bench.said().count("Reading configuration") == before.count("Reading configuration")


@situation(REFUSED, "would fail", "key")
def key_of_another(bench: Bench) -> Play:
    bench.start()
    bench.renew(key="client")
    yield


@situation(REFUSED, "would fail", "own.pem")
def certificate_gone(bench: Bench) -> Play:
    bench.start()
    (bench.folder / "own.pem").unlink()
    yield


@situation(REFUSED, "is held by", "every service of the process would go down")
def new_port_is_taken(bench: Bench) -> Play:
    bench.start()
    bench.write(bench.section(), bench.section(name="second", accept=f"127.0.0.1:{bench.hold()}"))
    yield


@situation(REFUSED, "192.0.2.7:8443 of [second] is no address of this machine", "would go down")
def address_of_another_machine(bench: Bench) -> Play:
    bench.start()
    bench.write(bench.section(), bench.section(name="second", accept="192.0.2.7:8443"))
    yield


@situation(FAILED, "every service of the process is down", "cannot be bound", "free the address", down=True)
def port_is_taken_by_someone_unseen(bench: Bench) -> Play:
    bench.start()
    port = bench.hold(listen=False)
    bench.write(bench.section(), bench.section(name="second", accept=f"127.0.0.1:{port}"))
    yield
    assert not bench.serves()
    bench.held.pop().close()  # what the verdict says to do
    bench.until(bench.serves)


@situation(REFUSED, "a reload takes all down: nobody may not bind port 441", "restart instead")
def privileged_port_after_setuid(bench: Bench) -> Play:
    bench.field.folder.joinpath(bench.name, "own.key").chmod(0o644)
    bench.write(bench.section(accept="127.0.0.41:441"), options="setuid = nobody")
    subprocess.run(["setsid", "--fork", STUNNEL, str(bench.config)], check=True)
    bench.until(lambda: bench.serves(441, "127.0.0.41"))
    yield
    assert bench.serves(441, "127.0.0.41")


@situation(REFUSED, "a reload takes all down: nobody may not bind port 442")
def privileged_port_comes_after_setuid(bench: Bench) -> Play:
    (bench.folder / "own.key").chmod(0o644)
    bench.start(options="setuid = nobody")
    bench.write(
        bench.section(), bench.section(name="low", accept="127.0.0.42:442"), options="setuid = nobody"
    )
    yield


@situation(REFUSED, "a reload fails: nobody may not read own.key", "what serves now would serve on")
def key_closed_to_the_user(bench: Bench) -> Play:
    (bench.folder / "own.key").chmod(0o600)
    bench.start(options="setuid = nobody")
    yield


@situation(VERIFIED, "1 of 1 service answer")
def setuid_that_can_reload(bench: Bench) -> Play:
    (bench.folder / "own.key").chmod(0o644)
    bench.start(options="setuid = nobody")
    yield


@situation(REFUSED, "a reload takes all down: nobody may not remove s.sock")
def unix_socket_after_setuid(bench: Bench) -> Play:
    (bench.folder / "own.key").chmod(0o644)
    closed = bench.folder / "closed"
    closed.mkdir(mode=0o755)
    sections = (bench.section(), bench.section(name="unix", accept=f"{closed}/s.sock"))
    bench.start(*sections, options="setuid = nobody")
    yield


@situation(REFUSED, "a reload fails: ", "is not in the jail", "restart instead")
def in_a_chroot(bench: Bench) -> Play:
    jail = bench.folder / "jail"
    jail.mkdir()
    bench.start(options=f"chroot = {jail}\npid =", output="no")
    yield


@situation(REFUSED, "a reload fails: `cert = own.pem` is relative, it runs in /")
def relative_path_of_a_daemon(bench: Bench) -> Play:
    text = bench.section().replace(f"{bench.folder}/own", "own")
    bench.start(text, foreground="", cwd=str(bench.folder))
    yield


@situation(FAILED, "nobody listens on 127.0.0.1:", "connect 127.0.0.1:", "0 of 1 service answers", down=True)
def target_that_nobody_listens_on(bench: Bench) -> Play:
    bench.start()
    bench.write(bench.section(connect=f"127.0.0.1:{bench.free()}"))
    yield


@situation(VERIFIED, "listener of [second]: 127.0.0.1:", "2 of 2 services answer")
def service_is_added(bench: Bench) -> Play:
    bench.start()
    port = bench.free()
    bench.write(bench.section(), bench.section(name="second", accept=f"127.0.0.1:{port}"))
    yield
    assert bench.serves(port)


@situation(VERIFIED, "1 of 1 service answer")
def service_is_removed(bench: Bench) -> Play:
    port = bench.free()
    bench.start(bench.section(), bench.section(name="second", accept=f"127.0.0.1:{port}"))
    session = Session(port)
    bench.sessions.append(session)
    bench.write()
    yield
    assert not bench.serves(port)
    assert session.alive, "sessions of a removed service go on"


@situation(VERIFIED, "a reload empties the log")
def log_is_overwritten(bench: Bench) -> Play:
    bench.start(options="log = overwrite")
    bench.until(lambda: "Configuration successful" in bench.said())
    told = yield
    saved = next(each for each in told.outcome.evidence if each.startswith("log saved: "))
    kept = saved.removeprefix("log saved: ")
    with open(kept, encoding="utf-8") as file:
        assert "Configuration successful" in file.read()
    assert os.stat(kept).st_mode & 0o777 == 0o600


@situation(VERIFIED, "1 of 1 service answer")
def no_log_at_all(bench: Bench) -> Play:
    bench.start(output="no")
    bench.renew()
    yield
    assert bench.served() == bench.on_disk()


@situation(REFUSED, "is stopped: it does not hear a reload", "kill -CONT")
def process_is_stopped(bench: Bench) -> Play:
    bench.start()
    bench.tell(signal.SIGSTOP)
    yield
    bench.tell(signal.SIGCONT)
    assert "Reading" in bench.said()


@situation(VERIFIED, "restart-needed", "setuid is daemon in the file")
def only_a_restart_applies_it(bench: Bench) -> Play:
    (bench.folder / "own.key").chmod(0o644)
    bench.start()
    bench.write(options="setuid = daemon")
    yield


@situation(VERIFIED, "1 of 2 services answer", "1 did not before either")
def one_was_down_before(bench: Bench) -> Play:
    dead = bench.section("protocol = pgsql", name="dead", accept=f"127.0.0.1:{bench.free()}")
    bench.start(bench.section(), dead)
    bench.write(bench.section(), dead.replace("protocol = pgsql", "protocol = smtp"))
    yield


@situation(REFUSED, "per-connection")
def inetd_mode(bench: Bench) -> Play:
    bench.config.write_text(
        f"connect = 127.0.0.1:9\ncert = {bench.folder}/own.pem\nkey = {bench.folder}/own.key\n"
    )
    yield


@situation(REFUSED, "no process runs this configuration", "start it")
def it_does_not_run(bench: Bench) -> Play:
    """What a reload would come to is not said of what is not there, whatever stands in the file."""
    bench.write(bench.section("oops"))
    told = yield
    notes = (*told.preflight.refusals, *told.preflight.warnings)
    assert [each.code for each in notes] == ["not-running"], notes


@situation(REFUSED, "several processes run it", "end all but one first")
def two_of_one_file(bench: Bench) -> Play:
    bench.start()
    port = bench.free()
    bench.write(bench.section(accept=f"127.0.0.1:{port}"))
    subprocess.run(["setsid", "--fork", STUNNEL, str(bench.config)], check=True)
    bench.until(lambda: bench.serves(port))
    yield
    assert len(bench.pids) == 2
