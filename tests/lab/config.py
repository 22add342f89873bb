"""Faults of the configuration: refused at the start, broken under a running process, not loaded."""

from tests.lab.bench import Bench
from tests.lab.row import Shelf

shelf = Shelf()
fault = shelf.fault


@fault("config-error", "inline-comment.conf:", "client = yes")
def inline_comment(bench: Bench) -> None:
    bench.refused(bench.server("client = yes ; the other end"))


@fault("config-error", "junk-line.conf:", "No '=' found")
def junk_line(bench: Bench) -> None:
    bench.refused(bench.server("this is junk"))


@fault("config-error", "garbled-header.conf:", "// the old one")
def garbled_header(bench: Bench) -> None:
    bench.refused("[garbled-header] // the old one\n" + bench.server().partition("\n")[2])


@fault("config-error", "misspelt-option.conf:", "conect")
def misspelt_option(bench: Bench) -> None:
    bench.refused(bench.server("conect = 127.0.0.1:9"))


@fault("config-error", "global-in-section.conf:", "pid")
def global_in_section(bench: Bench) -> None:
    bench.refused(bench.server("pid = /run/lab.pid"))


@fault("config-error", "one-endpoint.conf:", "[one-endpoint]", "endpoints")
def one_endpoint(bench: Bench) -> None:
    bench.refused(bench.server(connect=None))


@fault("config-error", "CAfile")
def verify_without_authority(bench: Bench) -> None:
    bench.refused(bench.server("verifyChain = yes"))


@fault("config-error", "verifyChain")
def name_check_without_verification(bench: Bench) -> None:
    bench.refused(bench.client(9, "checkHost = lab.example"))


@fault("config-error", "unknown-version.conf:", "TLSv1.9")
def unknown_version(bench: Bench) -> None:
    bench.refused(bench.server("sslVersion = TLSv1.9"))


@fault("config-error", "unit-in-number.conf:", "10s")
def unit_in_number(bench: Bench) -> None:
    bench.refused(bench.server("TIMEOUTidle = 10s"))


@fault("config-error", "TLS server needs a certificate")
def server_without_certificate(bench: Bench) -> None:
    bench.refused(bench.server(cert=""))


@fault("config-error", "sni-of-nobody.conf:", "[secondary]")
def sni_of_nobody(bench: Bench) -> None:
    secondary = bench.server("sni = elsewhere:*.example", name="secondary")
    bench.refused(bench.server() + secondary)


@fault("config-error", "include-missing.conf", "not-here")
def include_missing(bench: Bench) -> None:
    bench.refused(bench.server(f"include = {bench.file('not-here')}"))


@fault("config-error", "protocol")
def protocol_for_clients_only(bench: Bench) -> None:
    bench.refused(bench.server("protocol = nntp"))


@fault("config-error", "bracketed-accept.conf:", "accept")
def bracketed_accept(bench: Bench) -> None:
    bench.refused(bench.server(f"accept = [::1]:{bench.accept}"))


@fault("config-error", "a restart would fail", "broken-under-process.conf:", "No '=' found")
def broken_under_process(bench: Bench) -> None:
    bench.start(bench.server())
    bench.write(bench.server("oops"))


@fault("config-error", "a restart would fail", "a.conf:1", "No '=' found")
def broken_fragment(bench: Bench) -> None:
    folder = bench.lab.folder / "broken-fragment.d"
    folder.mkdir()
    (folder / "a.conf").write_text("; fine\n")
    bench.start(bench.server(f"include = {folder}"))
    (folder / "a.conf").write_text("nonsense\n")


@fault("config-changed", "config-changed.conf", "not loaded yet")
def config_changed(bench: Bench) -> None:
    bench.start(bench.server())
    bench.write(bench.server("TIMEOUTidle = 60"))
    bench.later(bench.config)


@fault("config-changed", "changed-fragment.conf", "not loaded yet")
def changed_fragment(bench: Bench) -> None:
    folder = bench.lab.folder / "changed-fragment.d"
    folder.mkdir()
    (folder / "a.conf").write_text("TIMEOUTidle = 60\n")
    bench.start(bench.server(f"include = {folder}"))
    bench.later(folder / "a.conf")


@fault("reload-failed", "reload failed at")
def reload_failed(bench: Bench) -> None:
    running = bench.start(bench.server())
    bench.write(bench.server("oops"), keep_time=True)
    running.reload(answer="Failed to reload the configuration file")
    bench.write(bench.server(), keep_time=True)


@fault("config-error reload-failed", "reload-refused.conf:", "No '=' found")
def reload_refused(bench: Bench) -> None:
    running = bench.start(bench.server())
    bench.write(bench.server("oops"))
    running.reload(answer="Failed to reload the configuration file")
