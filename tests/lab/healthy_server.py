"""Healthy oddities of server services: what looks strange and is right.

Rule: nothing above information may be said of any of them.
"""

import socket
import subprocess
import threading
import time
from pathlib import Path

from tests.lab.authority import edwards, issue, rivest
from tests.lab.bench import Bench
from tests.lab.row import Shelf

shelf = Shelf()
healthy = shelf.healthy
_MAIL = b"220 mail.example ESMTP\r\n"


@healthy
def mutual_tls(bench: Bench) -> None:
    bench.start(bench.server(bench.ca, "verifyChain = yes"))


@healthy
def certificate_asked_not_required(bench: Bench) -> None:
    bench.start(bench.server(bench.ca, "verify = 1"))


@healthy
def shared_key_only(bench: Bench) -> None:
    bench.start(bench.server("ciphers = PSK", f"PSKsecrets = {bench.file('psk.txt')}", cert=""))


@healthy
def smtp(bench: Bench) -> None:
    bench.start(bench.server("protocol = smtp", connect=bench.lab.backend(_MAIL)))


@healthy
def pop3(bench: Bench) -> None:
    bench.start(bench.server("protocol = pop3", connect=bench.lab.backend(b"+OK ready\r\n")))


@healthy
def imap(bench: Bench) -> None:
    bench.start(bench.server("protocol = imap", connect=bench.lab.backend(b"* OK ready\r\n")))


@healthy
def pgsql(bench: Bench) -> None:
    bench.start(bench.server("protocol = pgsql"))


@healthy
def cifs(bench: Bench) -> None:
    bench.start(bench.server("protocol = cifs"))


@healthy
def connect_proxy(bench: Bench) -> None:
    bench.start(bench.server("protocol = connect"))


@healthy
def socks(bench: Bench) -> None:
    bench.start(bench.server("protocol = socks", connect=None))


@healthy
def proxy_protocol(bench: Bench) -> None:
    bench.start(bench.server("protocol = proxy"))


@healthy
def six_days_one_day_old(bench: Bench) -> None:
    bench.pki.leaf(bench.name, days=(-1, 5))
    bench.start(bench.server(cert=bench.name))


@healthy
def ninety_days_sixty_old(bench: Bench) -> None:
    bench.pki.leaf(bench.name, days=(-60, 30))
    bench.start(bench.server(cert=bench.name))


@healthy
def program_as_target(bench: Bench) -> None:
    bench.start(bench.server("exec = /bin/cat", "execArgs = cat", connect=None))


@healthy
def per_connection(bench: Bench) -> None:
    files = f"cert = {bench.file('sound.pem')}\nkey = {bench.file('sound.key')}\n"
    bench.write(f"connect = 127.0.0.1:{bench.lab.echo}\n{files}")  # no section: inetd starts it


@healthy
def every_address(bench: Bench) -> None:
    bench.start(bench.server(f"accept = {bench.accept}"))


@healthy
def port_as_target(bench: Bench) -> None:
    bench.start(bench.server(connect=f"{bench.lab.echo}"))  # ::1 is tried first, nobody is there


@healthy
def redirected(bench: Bench) -> None:
    bench.start(bench.server(bench.ca, "verifyChain = yes", f"redirect = 127.0.0.1:{bench.lab.echo}"))


@healthy
def accept_on_a_socket(bench: Bench) -> None:
    bench.start(bench.server(f"accept = {bench.file(bench.name + '.sock')}"))


@healthy
def two_targets(bench: Bench) -> None:
    bench.start(bench.server(f"connect = 127.0.0.1:{bench.lab.backend()}"))


@healthy
def round_robin(bench: Bench) -> None:
    bench.start(bench.server(f"connect = 127.0.0.1:{bench.lab.backend()}", "failover = rr"))


@healthy
def from_a_folder(bench: Bench) -> None:
    folder = Path(bench.file(f"{bench.name}.d"))
    folder.mkdir()
    (folder / "10-service.txt").write_text(bench.server())
    bench.start("", f"include = {folder}")


@healthy
def name_looked_up_late(bench: Bench) -> None:
    bench.start(bench.server("delay = yes", connect=f"localhost:{bench.lab.echo}"))


@healthy
def talkative_log(bench: Bench) -> None:
    bench.start(bench.server("debug = 7"))


@healthy
def silent_log(bench: Bench) -> None:
    bench.start(bench.server("debug = 0"))


@healthy
def version_two_at_most(bench: Bench) -> None:
    bench.start(bench.server("sslVersionMax = TLSv1.2"))


@healthy
def version_three_at_least(bench: Bench) -> None:
    bench.start(bench.server("sslVersionMin = TLSv1.3"))


@healthy
def edwards_key(bench: Bench) -> None:
    bench.pki.leaf(bench.name, key=edwards())
    bench.start(bench.server(cert=bench.name))


@healthy
def signed_with_pss(bench: Bench) -> None:
    bench.pki.put(bench.name, issue(bench.name, key=rivest(), pss=True))
    bench.start(bench.server(cert=bench.name))


@healthy
def under_two_authorities(bench: Bench) -> None:
    pki = bench.pki
    pki.put(bench.name, issue(bench.name, pki.middle), pki.middle, pki.root)
    bench.start(bench.server(cert=bench.name))


@healthy
def in_one_file(bench: Bench) -> None:
    leaf = issue(bench.name, bench.pki.root)
    path = Path(bench.file(f"{bench.name}.pem"))
    path.touch(0o600)
    path.write_bytes(leaf.key_pem + leaf.pem)
    bench.start(bench.server(f"cert = {path}", cert=""))


@healthy
def behind_sni(bench: Bench) -> None:
    bench.pki.leaf(bench.name, names=("*.b.example",))
    secondary = bench.server("sni = front:*.b.example", cert=bench.name)
    bench.start(bench.server(f"accept = 127.0.0.1:{bench.accept}", name="front") + secondary)


@healthy
def pkcs12_without_password(bench: Bench) -> None:
    bench.pki.leaf(bench.name)
    path = bench.file(f"{bench.name}.p12")
    files = ("-in", bench.file(f"{bench.name}.pem"), "-inkey", bench.file(f"{bench.name}.key"))
    argv = ("openssl", "pkcs12", "-export", *files, "-out", path, "-passout", "pass:")
    subprocess.run(argv, check=True, capture_output=True)
    bench.start(bench.server(f"cert = {path}", cert=""))


@healthy
def socket_as_target(bench: Bench) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(bench.file("target.sock"))
    listening.listen()
    bench.lab.serve(listening)
    bench.start(bench.server(connect=bench.file("target.sock")))


@healthy
def sixth_version_of_the_internet(bench: Bench) -> None:
    bench.start(bench.server(f"accept = ::1:{bench.accept}"))


@healthy
def random_port(bench: Bench) -> None:
    bench.start(bench.server("accept = 127.0.0.1:0"))


@healthy
def port_that_wraps(bench: Bench) -> None:
    bench.start(bench.server(f"accept = 127.0.0.1:{bench.accept + 65536}"))


@healthy
def two_accepts(bench: Bench) -> None:
    accepts = (f"accept = 127.0.0.1:{bench.accept}", f"accept = 127.0.0.1:{bench.lab.port()}")
    bench.start(bench.server(*accepts))


@healthy
def same_name_twice(bench: Bench) -> None:
    bench.start(bench.server() + bench.server(f"accept = 127.0.0.1:{bench.lab.port()}"))


@healthy
def from_another_world(bench: Bench) -> None:
    text = bench.server("; d\xe9j\xe0 vu").replace("\n", "\r\n")
    bench.write("")
    bench.config.write_bytes(b"\xef\xbb\xbf" + bench.config.read_bytes() + text.encode("latin-1"))
    bench.run()


@healthy
def proxy_with_a_target_for_show(bench: Bench) -> None:
    bench.start(bench.server("protocol = connect", connect=bench.lab.port()))


@healthy
def target_slow_but_steady(bench: Bench) -> None:
    """A queue that is never empty, and from which somebody is taken now and then."""
    listening = bench.lab.listener()
    ended = threading.Event()

    def serve() -> None:
        held = []
        while not ended.wait(0.7):
            held.append(listening.accept()[0])
        for each in held:
            each.close()

    def knock() -> None:
        held = []
        while not ended.is_set():
            held.append(socket.create_connection(listening.getsockname(), 5))
            time.sleep(0.5)
        for each in held:
            each.close()

    threads = [threading.Thread(target=each, daemon=True) for each in (knock, serve)]
    for thread in threads:
        thread.start()
    bench.lab.defer(lambda: [each.join(5) for each in threads])
    bench.lab.defer(ended.set)
    bench.start(bench.server("debug = 5", connect=listening.getsockname()[1]))
