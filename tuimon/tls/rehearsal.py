"""A handshake with a certificate that nobody serves yet: both ends in memory.

Rule: sans-IO, and the client's half is the very one that probes, so that what it would say of the
certificate it says here.
"""

from OpenSSL import SSL

from tuimon.tls.context import UnusableError, bring_certificate
from tuimon.tls.handshake import Handshake
from tuimon.tls.outcome import Outcome

_CHUNK = 16384
_TURNS = 20  # more than any handshake takes


def rehearse(client: Handshake, certificate_pem: bytes, key_pem: bytes) -> Outcome:
    """Let `client` meet a server that shows this certificate and its chain.

    Raises `UnusableError` where OpenSSL takes no such pair; what the client thinks of it is data.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    bring_certificate(context, certificate_pem, key_pem, noun="certificate")
    server = SSL.Connection(context, None)
    server.set_accept_state()
    said = client.start()
    for _ in range(_TURNS):
        if client.done or client.failed or not said:
            break
        server.bio_write(said)
        answer = _answer(server)
        said = client.receive(answer) if answer else b""
    return client.outcome


def _answer(server: SSL.Connection) -> bytes:
    try:
        server.do_handshake()
    except SSL.WantReadError:
        pass
    except SSL.Error as error:
        raise UnusableError("no client could shake hands with it") from error
    answer = b""
    try:
        while True:
            answer += server.bio_read(_CHUNK)
    except SSL.WantReadError:
        return answer
