"""The kinds of service that there are, and what one cycle of probes may cost each of them.

Rule: the table is the promise of the README, "What it does to your tunnels", in numbers.
"""

import signal
from collections.abc import Callable

from msgspec import Struct

from tests.gentle.meter import Cost, Place
from tests.lab.target import hanging_up

Build = Callable[[Place], None]

NOTHING = Cost()
FULL = Cost(opened=1, accepted=1, notices=4, target=1, slots=1)
"""A full handshake: one back-end connection, no error line."""
CHAIN = Cost(opened=1, accepted=1, errors=1, notices=2, slots=1)
"""Up to the server's flight: one error line, and the target is not touched."""
REMOTE = Cost(opened=1, remote=1, target=1, slots=1)
"""A full handshake with the remote; the service itself hears nothing of it."""
_MAIL = {"smtp": b"220 mail.example ESMTP\r\n", "pop3": b"+OK ready\r\n", "imap": b"* OK ready\r\n"}


class Kind(Struct, frozen=True):
    """One kind: what it may cost, and what it may cost again while it fails."""

    name: str
    cost: Cost
    build: Build
    failing: bool = False


KINDS: list[Kind] = []


def kind(cost: Cost, *, failing: bool = False) -> Callable[[Build], Build]:
    """Decorate the function that builds a kind of service named after it."""

    def note(build: Build) -> Build:
        KINDS.append(Kind(build.__name__.strip("_").replace("_", "-"), cost, build, failing))
        return build

    return note


@kind(FULL)
def server(place: Place) -> None:
    place.serve()


@kind(Cost(opened=2, accepted=2, notices=10, target=2, slots=1))
def server_and_sni_service(place: Place) -> None:
    front = place.server(f"accept = 127.0.0.1:{place.accept}", connect=place.peer(), name="front")
    place.begin(front + place.server("sni = front:*.b.example", connect=place.peer()))


@kind(CHAIN)
def mutual_tls(place: Place) -> None:
    place.serve(place.ca, "verifyChain = yes")


@kind(FULL)
def certificate_asked_for(place: Place) -> None:
    place.serve(place.ca, "verify = 1")


@kind(CHAIN)
def redirect(place: Place) -> None:
    place.serve(place.ca, "verifyChain = yes", f"redirect = 127.0.0.1:{place.peer()}")


@kind(CHAIN)
def exec_(place: Place) -> None:
    run = f"printf x >> {place.output}; exec cat"
    place.serve("exec = /bin/sh", f"execArgs = sh -c '{run}'", connect=None)


@kind(CHAIN)
def socks(place: Place) -> None:
    place.serve("protocol = socks", connect=None)


@kind(CHAIN)
def connect_proxy(place: Place) -> None:
    place.serve("protocol = connect")


@kind(FULL)
def proxy_protocol(place: Place) -> None:
    place.serve("protocol = proxy")


@kind(FULL)
def smtp(place: Place) -> None:
    place.serve("protocol = smtp", connect=place.peer(_MAIL["smtp"]))


@kind(FULL)
def pop3(place: Place) -> None:
    place.serve("protocol = pop3", connect=place.peer(_MAIL["pop3"]))


@kind(FULL)
def imap(place: Place) -> None:
    place.serve("protocol = imap", connect=place.peer(_MAIL["imap"]))


@kind(FULL)
def pgsql(place: Place) -> None:
    place.serve("protocol = pgsql")


@kind(FULL)
def cifs(place: Place) -> None:
    place.serve("protocol = cifs")


@kind(NOTHING)
def shared_key_only(place: Place) -> None:
    place.serve("ciphers = PSK", f"PSKsecrets = {place.file('psk.txt')}", cert="")


@kind(FULL)
def shared_key_or_certificate(place: Place) -> None:
    place.serve(f"PSKsecrets = {place.file('psk.txt')}")


@kind(FULL)
def accept_on_a_unix_socket(place: Place) -> None:
    place.serve(f"accept = {place.file(place.name + '.sock')}")


@kind(Cost(opened=3, accepted=1, notices=4, target=3, slots=1))
def two_targets(place: Place) -> None:
    place.serve(f"connect = 127.0.0.1:{place.peer()}")


@kind(Cost(opened=3, accepted=1, errors=1, notices=2, target=2, slots=1))
def two_targets_behind_mutual_tls(place: Place) -> None:
    place.serve(place.ca, "verifyChain = yes", f"connect = 127.0.0.1:{place.peer()}")


@kind(Cost(opened=2, accepted=2, errors=4, notices=4, slots=1), failing=True)
def dead_target(place: Place) -> None:
    place.serve(connect=place.lab.port())


@kind(Cost(opened=2, accepted=2, errors=4, notices=4, slots=1), failing=True)
def mail_service_with_a_dead_target(place: Place) -> None:
    place.serve("protocol = smtp", connect=place.lab.port())


@kind(Cost(opened=1, accepted=1, errors=1, notices=2, slots=1), failing=True)
def mutual_tls_with_a_dead_target(place: Place) -> None:
    place.serve(place.ca, "verifyChain = yes", connect=place.lab.port())


@kind(Cost(opened=3, accepted=2, notices=8, slots=1), failing=True)
def target_that_hangs_up(place: Place) -> None:
    place.serve(connect=hanging_up(place.lab))


@kind(NOTHING)
def started_by_inetd(place: Place) -> None:
    files = f"cert = {place.file('sound.pem')}\nkey = {place.file('sound.key')}\n"
    place.write(f"connect = 127.0.0.1:{place.peer()}\n{files}")


@kind(NOTHING)
def stopped_process(place: Place) -> None:
    place.serve()
    assert place.running is not None
    place.running.tell(signal.SIGSTOP)


@kind(REMOTE)
def client(place: Place) -> None:
    place.begin(place.client(place.afar()))


@kind(REMOTE)
def client_with_starttls(place: Place) -> None:
    place.begin(place.client(place.afar("protocol = smtp", greeting=_MAIL["smtp"]), "protocol = smtp"))


@kind(REMOTE)
def client_with_certificate(place: Place) -> None:
    files = (f"cert = {place.file('client.pem')}", f"key = {place.file('client.key')}")
    place.begin(
        place.client(place.afar(place.ca, "verifyChain = yes"), *files, place.ca, "verifyChain = yes")
    )


@kind(NOTHING)
def client_with_shared_key(place: Place) -> None:
    secrets = f"PSKsecrets = {place.file('psk.txt')}"
    far = place.afar("ciphers = PSK", secrets, cert="")
    place.begin(place.client(far, secrets, "PSKidentity = lab"))


@kind(NOTHING)
def client_with_a_dead_remote(place: Place) -> None:
    place.begin(place.client(place.lab.port()))
