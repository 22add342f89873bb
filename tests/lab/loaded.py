"""Faults between the disk and the process: changed and not loaded, with the loaded text known or not.

Rule: whatever changed, what is served is what the process loaded, and that is looked at.
"""

from tests.lab.bench import Bench
from tests.lab.row import Shelf

shelf = Shelf()
fault = shelf.fault


def edit(bench: Bench, text: str, *options: str) -> None:
    """Change the file that tuimon has seen loaded, well after the second of the load."""
    bench.then(lambda: bench.write(text, *options))
    bench.then(lambda: bench.later(bench.config))


@fault("config-changed", "TIMEOUTidle of [option-changed] changed", "not loaded: reload")
def option_changed(bench: Bench) -> None:
    bench.start(bench.server())
    edit(bench, bench.server("TIMEOUTidle = 60"))


@fault("config-changed", "2 options of [options-changed] changed", "not loaded: reload")
def options_changed(bench: Bench) -> None:
    bench.start(bench.server())
    edit(bench, bench.server("TIMEOUTidle = 60", "delay = yes"))


@fault("key-mismatch", "a restart would fail: [key-changed]", "does not belong to the certificate")
def key_changed(bench: Bench) -> None:
    bench.pki.leaf(bench.name)
    bench.start(bench.server())
    edit(bench, bench.server().replace("sound.key", f"{bench.name}.key"))


@fault("config-changed", "global debug changed", "not loaded: reload")
def global_changed(bench: Bench) -> None:
    bench.start(bench.server())
    edit(bench, bench.server(), "debug = 6")


@fault("config-changed", "global pid changed", "not loaded: restart")
def pid_changed(bench: Bench) -> None:
    bench.start(bench.server())
    edit(bench, bench.server(), f"pid = {bench.file('changed.pid')}")


@fault("config-changed", "[section-added] added", "not loaded: reload")
def section_added(bench: Bench) -> None:
    kept = bench.server(f"accept = 127.0.0.1:{bench.lab.port()}", name="kept")
    bench.start(kept)
    edit(bench, bench.server() + kept)


@fault("config-changed", "[section-removed] removed", "still served: reload")
def section_removed(bench: Bench) -> None:
    kept = bench.server(f"accept = 127.0.0.1:{bench.lab.port()}", name="kept")
    bench.start(bench.server() + kept)
    edit(bench, kept)


@fault("config-changed", "accept of [accept-moved] changed", "not loaded: reload")
def accept_moved(bench: Bench) -> None:
    bench.start(bench.server())
    edit(bench, bench.server(f"accept = 127.0.0.1:{bench.lab.port()}"))


@fault("config-changed", "connect of [remote-moved] changed", "not loaded: reload")
def remote_moved(bench: Bench) -> None:
    bench.start(bench.client(bench.remote()))
    edit(bench, bench.client(bench.lab.port()))


@fault("connect-refused", "127.0.0.1:{target}", "refused")
def target_gone_under_a_mended_file(bench: Bench) -> None:
    bench.target = bench.lab.port()
    bench.start(bench.server(connect=bench.target))
    edit(bench, bench.server())


@fault("config-changed", "protocolPassword of [secret-changed] changed", "not loaded: reload")
def secret_changed(bench: Bench) -> None:
    bench.start(bench.server("protocolPassword = hunter2"))
    edit(bench, bench.server("protocolPassword = hunter3"))


@fault("config-changed", "TIMEOUTidle of [fragment-removed] changed", "not loaded: reload")
def fragment_removed(bench: Bench) -> None:
    folder = bench.lab.folder / "fragment-removed.d"
    folder.mkdir()
    (folder / "a.conf").write_text("TIMEOUTidle = 60\n")
    bench.start(bench.server(f"include = {folder}"))
    bench.then((folder / "a.conf").unlink)
    bench.then(lambda: bench.later(folder))


@fault("config-changed", "TIMEOUTidle of [reload-mended-half] changed", "not loaded: reload")
def reload_mended_half(bench: Bench) -> None:
    running = bench.start(bench.server())
    bench.write(bench.server("delay = yes"))
    running.reload()
    edit(bench, bench.server("delay = yes", "TIMEOUTidle = 60"))
