"""Faults of OCSP: stunnel asks while the client waits, and refuses without an answer.

Rule: real answers, signed by the authority; nothing but the time that they take is wrong.
"""

import datetime
import http.server
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from tests.lab.bench import Bench
from tests.lab.clients import PARTNER, call, caller
from tests.lab.row import Shelf

shelf = Shelf()
fault = shelf.fault
_SLOW = 2.2  # the log's clock has whole seconds, and shorter waits are no stall


class Responder(http.server.ThreadingHTTPServer):
    """Says of every certificate that it is good, `delay` seconds after it was asked."""

    def __init__(self, bench: Bench, delay: float) -> None:
        self.root, self.delay = bench.pki.root, delay
        super().__init__(("127.0.0.1", 0), _Answer)
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()
        self._ended = False
        bench.lab.defer(self.end)

    @property
    def option(self) -> str:
        """The option that names it."""
        return f"OCSP = http://127.0.0.1:{self.server_port}/"

    def end(self) -> None:
        """Stop answering; harmless when repeated."""
        if not self._ended:
            self._ended = True
            self.shutdown()
            self.server_close()
            self._thread.join(5)


class _Answer(http.server.BaseHTTPRequestHandler):
    server: Responder

    def do_POST(self) -> None:
        asked = ocsp.load_der_ocsp_request(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(self.server.delay)
        now, root = datetime.datetime.now(datetime.UTC), self.server.root
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            issuer_name_hash=asked.issuer_name_hash,
            issuer_key_hash=asked.issuer_key_hash,
            serial_number=asked.serial_number,
            algorithm=asked.hash_algorithm,
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=now,
            next_update=now + datetime.timedelta(days=1),
            revocation_time=None,
            revocation_reason=None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, root.certificate)
        told = builder.sign(root.key, hashes.SHA256()).public_bytes(Encoding.DER)
        self.send_response(200)
        self.send_header("Content-Type", "application/ocsp-response")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *arguments: object) -> None:
        """Say nothing on stderr."""


@fault("ocsp-slow", "OCSP responder 127.0.0.1:", "stalls connections")
def responder_of_clients_slow(bench: Bench) -> None:
    responder = Responder(bench, _SLOW)
    bench.start(bench.server(bench.ca, "verifyChain = yes", responder.option))
    with ThreadPoolExecutor(2) as pool:
        for number in (41, 42):
            pool.submit(call, bench, caller(cert=bench.file("client")), peer=f"127.0.0.{number}")


@fault("ocsp-slow", "OCSP responder 127.0.0.1:", "stalls connections")
def responder_of_the_remote_slow(bench: Bench) -> None:
    responder = Responder(bench, _SLOW)
    bench.start(bench.client(bench.remote(), bench.ca, "verifyChain = yes", responder.option))
    with ThreadPoolExecutor(2) as pool:
        for number in (41, 42):
            pool.submit(call, bench, None, peer=f"127.0.0.{number}", first=b"hello")


@fault("clients-failing", PARTNER, "rejected by OCSP")
def responder_gone(bench: Bench) -> None:
    responder, ours = Responder(bench, 0), caller(cert=bench.file("client"))
    bench.start(bench.server(bench.ca, "verifyChain = yes", responder.option))
    call(bench, ours, 2)
    responder.end()
    call(bench, ours, 3)
