"""Handshakes with real peers: what was learned, and how each way to fail is told."""

import subprocess
from pathlib import Path

import pytest
from OpenSSL import SSL

from tuimon.model.handshake import Depth, Verdict
from tuimon.tls.context import Offer
from tuimon.tls.handshake import Handshake

FLIGHT_12 = ["> ClientHello", "< ServerHello", "< Certificate", "< ServerKeyExchange", "< ServerHelloDone"]
REST_12 = ["> ClientKeyExchange", "> Finished", "< NewSessionTicket", "< Finished"]
FLIGHT_13 = [
    "> ClientHello",
    "< ServerHello",
    "< EncryptedExtensions",
    "< Certificate",
    "< CertificateVerify",
    "< Finished",
]
X25519, SECP521R1 = ("x25519", "secp521r1") if hasattr(SSL.Connection, "get_group_name") else ("", "")
EXPIRED = 10
NO_ISSUER = 20


@pytest.mark.parametrize(
    ("version", "messages"),
    [("TLSv1.2", FLIGHT_12 + REST_12), ("TLSv1.3", [*FLIGHT_13, "> Finished"])],
)
def test_a_full_handshake_names_its_messages_in_order(s_server, shake, pki, version, messages):
    """Version, cipher, group, chain and every message, both directions, as in RFC 5246 and RFC 8446."""
    handshake = Handshake(Offer(maximum=version), server_name="server.example")
    shake(handshake, s_server("-groups", "X25519", "-cert_chain", pki.path("ca.pem")))
    outcome = handshake.outcome
    assert outcome.verdict is Verdict.OK
    assert list(outcome.messages) == messages
    assert outcome.tls_version == version
    assert outcome.cipher
    assert outcome.group.lower() == X25519
    assert outcome.chain_der == (pki.der("server.pem"), pki.der("ca.pem"))
    assert handshake.flight_complete


@pytest.mark.parametrize(("version", "messages"), [("TLSv1.2", FLIGHT_12), ("TLSv1.3", FLIGHT_13)])
def test_certificate_depth_lists_only_what_was_sent(s_server, shake, pki, version, messages):
    """Our Finished is made by OpenSSL but withheld, so it is not among the messages."""
    handshake = Handshake(Offer(maximum=version), depth=Depth.CERTIFICATE)
    shake(handshake, s_server("-groups", "X25519"))
    assert handshake.done
    assert list(handshake.outcome.messages) == messages
    assert handshake.outcome.chain_der == (pki.der("server.pem"),)
    assert handshake.outcome.tls_version == version
    assert handshake.outcome.cipher
    assert handshake.outcome.group.lower() == X25519
    assert handshake.receive(b"anything") == b""
    assert handshake.close() == b""


@pytest.mark.parametrize("depth", [Depth.CERTIFICATE, Depth.HANDSHAKE])
def test_a_hello_retry_request_is_told_from_a_server_hello(s_server, shake, depth):
    """A server that wants a group we sent no key share for makes us greet twice."""
    handshake = Handshake(depth=depth)
    shake(handshake, s_server("-groups", "P-521"))
    assert handshake.outcome.messages[:4] == (
        "> ClientHello",
        "< HelloRetryRequest",
        "> ClientHello",
        "< ServerHello",
    )
    assert handshake.outcome.group.lower() == SECP521R1


def test_session_tickets_are_counted(s_server, shake):
    """Two NewSessionTicket messages in a row are two, not one state seen twice."""
    handshake = Handshake()
    connection = shake(handshake, s_server("-tls1_3", "-num_tickets", "2"))
    while handshake.outcome.messages.count("< NewSessionTicket") < 2:
        handshake.receive(connection.recv(1))
    assert handshake.outcome.messages[-3:] == ("> Finished", "< NewSessionTicket", "< NewSessionTicket")
    assert not handshake.failed


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_certificate_depth_never_touches_the_back_end(stunnel, backend, shake, pki, version):
    """stunnel connects to its target only after our Finished, which it never gets; with it, it does."""
    target = backend()
    port, program = stunnel(f"connect = 127.0.0.1:{target.port}")
    handshake = Handshake(Offer(maximum=version), depth=Depth.CERTIFICATE)
    shake(handshake, port).close()
    program.wait_for("0 byte(s) sent to socket")
    assert handshake.outcome.verdict is Verdict.OK
    assert handshake.outcome.chain_der == (pki.der("server.pem"),)
    assert target.connections == 0

    control = Handshake(Offer(maximum=version))
    connection = shake(control, port)
    connection.sendall(control.close())
    program.wait_for("0 byte(s) sent to socket")
    assert target.connections == 1


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_certificate_depth_never_runs_the_program_of_exec(stunnel, shake, tmp_path: Path, version):
    """The program of an exec service is not started; a full handshake starts it."""
    mark = tmp_path / "ran"
    port, program = stunnel("exec = /usr/bin/touch", f"execArgs = touch {mark}")
    handshake = Handshake(Offer(maximum=version), depth=Depth.CERTIFICATE)
    shake(handshake, port).close()
    program.wait_for("0 byte(s) sent to socket")
    assert handshake.outcome.verdict is Verdict.OK
    assert not mark.exists()

    control = Handshake(Offer(maximum=version))
    shake(control, port, to_the_end=True)
    assert control.outcome.closed_early
    assert mark.exists()


def test_a_finished_handshake_with_close_notify_leaves_no_error_in_the_log(stunnel, backend, shake):
    """What the `handshake` depth promises: no line of level 3."""
    target = backend()
    port, program = stunnel(f"connect = 127.0.0.1:{target.port}")
    program.seen.clear()
    handshake = Handshake()
    connection = shake(handshake, port)
    connection.sendall(handshake.close())
    connection.close()
    assert "Connection closed" in program.wait_for("0 byte(s) sent to socket")
    assert not [line for line in program.seen if "LOG3" in line]


def test_a_dead_target_shows_as_an_early_close(stunnel, shake, pki):
    """stunnel finishes the handshake, cannot reach its target and closes: ok, but closed early."""
    port, _ = stunnel("connect = 127.0.0.1:1")
    handshake = Handshake(Offer(ca_pem=pki.pem("ca.pem")))
    shake(handshake, port, to_the_end=True)
    assert handshake.outcome.verdict is Verdict.OK
    assert handshake.outcome.closed_early
    assert handshake.outcome.trusted is True


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("depth", [Depth.CERTIFICATE, Depth.HANDSHAKE])
def test_mutual_tls_with_a_client_certificate(stunnel, shake, pki, version, depth):
    """The request is seen with the authorities it names, at either depth, and answered at full depth."""
    port, _ = stunnel("connect = 1", f"CAfile = {pki.path('ca.pem')}", "verifyChain = yes")
    handshake = Handshake(
        Offer(maximum=version, certificate_pem=pki.pem("client.pem"), key_pem=pki.pem("client.key")),
        depth=depth,
    )
    shake(handshake, port)
    outcome = handshake.outcome
    assert outcome.verdict is Verdict.OK
    assert outcome.client_certificate_requested
    assert "< CertificateRequest" in outcome.messages
    assert outcome.client_ca_names == ("CN=ca,O=Tuimon\\, Test",)
    sent = [message for message in outcome.messages if message.startswith("> ")]
    assert ("> CertificateVerify" in sent) is (depth is Depth.HANDSHAKE)


@pytest.mark.parametrize("depth", [Depth.CERTIFICATE, Depth.HANDSHAKE])
def test_the_chain_of_mutual_tls_is_read_without_a_client_certificate(stunnel, shake, pki, depth):
    """At certificate depth that is no failure at all; at full depth the chain is kept although it is one."""
    port, _ = stunnel("connect = 1", f"CAfile = {pki.path('ca.pem')}", "verifyChain = yes")
    handshake = Handshake(Offer(maximum="TLSv1.2"), depth=depth)
    shake(handshake, port)
    assert handshake.outcome.client_certificate_requested
    assert handshake.outcome.chain_der == (pki.der("server.pem"), pki.der("ca.pem"))
    assert handshake.failed is (depth is Depth.HANDSHAKE)


def test_a_missing_client_certificate_fails_within_tls_1_2(stunnel, shake, pki):
    """TLS 1.2 has no alert of its own for it: handshake_failure, before our side is done."""
    port, _ = stunnel("connect = 1", f"CAfile = {pki.path('ca.pem')}", "verifyChain = yes")
    handshake = Handshake(Offer(maximum="TLSv1.2"))
    shake(handshake, port)
    assert not handshake.done
    assert handshake.outcome.verdict is Verdict.TLS_ALERT
    assert handshake.outcome.alert == "handshake_failure"
    assert handshake.outcome.stage == "tls"


def test_a_missing_client_certificate_fails_after_tls_1_3(stunnel, shake, pki):
    """Under TLS 1.3 our side is done, and the refusal is the first thing read after that."""
    port, _ = stunnel("connect = 1", f"CAfile = {pki.path('ca.pem')}", "verifyChain = yes")
    handshake = Handshake()
    shake(handshake, port, to_the_end=True)
    assert handshake.done
    assert handshake.failed
    assert handshake.outcome.verdict is Verdict.TLS_ALERT
    assert handshake.outcome.alert == "certificate_required"
    assert handshake.outcome.stage == "after"
    assert handshake.outcome.chain_der == (pki.der("server.pem"), pki.der("ca.pem"))


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_client_certificate_of_a_stranger_is_refused(stunnel, shake, pki, version):
    """The peer's reason is its alert, by its name in RFC 8446."""
    port, _ = stunnel("connect = 1", f"CAfile = {pki.path('ca.pem')}", "verifyChain = yes")
    both = pki.pem("intruder.pem") + pki.pem("intruder.key")
    handshake = Handshake(Offer(maximum=version, certificate_pem=both))
    shake(handshake, port, to_the_end=True)
    assert handshake.outcome.verdict is Verdict.TLS_ALERT
    assert handshake.outcome.alert == "unknown_ca"


def test_a_psk_only_service_refuses_with_an_alert(s_server, shake):
    """Without a common suite the answer is handshake_failure."""
    handshake = Handshake(Offer(maximum="TLSv1.2"))
    shake(handshake, s_server("-nocert", "-psk", "00112233", cert=""))
    assert handshake.outcome.alert == "handshake_failure"
    assert handshake.outcome.messages == ("> ClientHello",)


@pytest.mark.parametrize("option", ["-tls1", "-tls1_1"])
def test_old_protocols_need_the_legacy_attempt(s_server, shake, option):
    """TLS 1.0 and 1.1 are refused at first and spoken in the second, flagged attempt."""
    port = s_server(option, "-cipher", "DEFAULT:@SECLEVEL=0")
    first = Handshake()
    shake(first, port)
    assert first.outcome.alert == "protocol_version"
    second = Handshake(Offer(legacy=True))
    shake(second, port)
    assert second.outcome.verdict is Verdict.OK
    assert second.outcome.tls_version == {"-tls1": "TLSv1", "-tls1_1": "TLSv1.1"}[option]


def test_alpn_is_what_the_server_chose(s_server, shake):
    """The protocol of the list that both have."""
    handshake = Handshake(alpn=("h2", "http/1.1"))
    shake(handshake, s_server("-alpn", "http/1.1"))
    assert handshake.outcome.alpn == "http/1.1"


def test_trust_is_judged_only_against_a_given_ca(s_server, shake, pki):
    """None without a CA, though OpenSSL's errors are kept; True and False with one."""
    port = s_server()
    verdicts = {}
    for ca in (b"", pki.pem("ca.pem"), pki.pem("stranger.pem")):
        handshake = Handshake(Offer(ca_pem=ca))
        shake(handshake, port).close()
        assert handshake.outcome.verdict is Verdict.OK
        verdicts[ca] = (handshake.outcome.trusted, handshake.outcome.verify_errors)
    assert verdicts[b""][0] is None
    assert verdicts[b""][1][0] == (NO_ISSUER, 0, "unable to get local issuer certificate")
    assert verdicts[pki.pem("ca.pem")] == (True, ())
    assert verdicts[pki.pem("stranger.pem")][0] is False


def test_an_expired_certificate_is_an_error_at_its_depth(s_server, shake, pki):
    """Code, depth and OpenSSL's text."""
    port = s_server(cert="expired")
    handshake = Handshake(Offer(ca_pem=pki.pem("ca.pem")))
    shake(handshake, port).close()
    assert handshake.outcome.verify_errors == ((EXPIRED, 0, "certificate has expired"),)
    assert handshake.outcome.trusted is False


@pytest.mark.parametrize(
    ("greeting", "detail"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", "answers like HTTP: 'HTTP/1.1 400 Bad Request'"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "answers like SSH: 'SSH-2.0-OpenSSH_9.2p1'"),
        (b"220 mail.example ESMTP\r\n", "answers like SMTP or FTP: '220 mail.example ESMTP'"),
        (b"+OK ready\r\n", "answers like POP3: '+OK ready'"),
        (b"J\0\0\0\x0a5.7.44", "does not answer in TLS: bytes 4a 00 00 00 0a 35 2e 37 2e 34 34"),
        (b"\r\n", "does not answer in TLS: bytes 0d 0a"),
    ],
)
def test_a_peer_in_plain_text_is_quoted(backend, shake, greeting, detail):
    """Not TLS, in the words that the peer used."""
    handshake = Handshake()
    shake(handshake, backend(greeting).port)
    assert handshake.outcome.verdict is Verdict.NOT_TLS
    assert handshake.outcome.detail == detail
    piecewise = Handshake()
    piecewise.start()
    for value in greeting:
        piecewise.receive(bytes([value]))
    assert piecewise.outcome.detail == detail


def test_a_chain_over_the_limit_is_a_verdict(s_server, shake, pki, tmp_path):
    """OpenSSL takes 100 KiB of certificates; more is refused in words."""
    chain = tmp_path / "chain.pem"
    chain.write_bytes(pki.pem("ca.pem") * 400)
    handshake = Handshake()
    shake(handshake, s_server("-cert_chain", str(chain)))
    assert handshake.outcome.verdict is Verdict.FAILED
    assert "larger than OpenSSL accepts" in handshake.outcome.detail


@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        ({"offer": Offer(ca_pem=b"no certificate")}, "the CA file holds no PEM certificate"),
        ({"offer": Offer(certificate_pem=b"no certificate")}, "the client certificate cannot be decoded"),
        ({"server_name": "a" * 300}, "the server name cannot be sent as SNI"),
        ({"server_name": "nul\0"}, "the server name cannot be sent as SNI"),
        ({"offer": Offer(minimum="SSLv2")}, "unknown TLS version 'SSLv2'"),
        ({"alpn": ("",)}, "the ALPN names cannot be sent"),
    ],
)
def test_what_cannot_be_offered_is_a_failure_not_an_exception(arguments, detail):
    """A settings mistake shows as the verdict of the probe."""
    handshake = Handshake(**arguments)
    assert handshake.start() == b""
    assert handshake.failed
    assert handshake.outcome.verdict is Verdict.FAILED
    assert handshake.outcome.detail == detail
    assert handshake.receive(b"data") == b""


def test_keys_that_do_not_fit_are_a_failure_without_their_text(pki, tmp_path):
    """A wrong, a broken and an encrypted key; none of it is quoted."""
    encrypted = subprocess.run(
        ["openssl", "pkey", "-in", pki.path("client.key"), "-aes256", "-passout", "pass:secret"],
        capture_output=True,
        check=True,
    ).stdout
    for key, detail in (
        (pki.pem("server.key"), "the client key does not belong to the client certificate"),
        (b"-----BEGIN PRIVATE KEY-----\nsecret\n", "the client key cannot be decoded"),
        (encrypted, "the client key is encrypted or of a kind that TLS does not use"),
    ):
        handshake = Handshake(Offer(certificate_pem=pki.pem("client.pem"), key_pem=key))
        assert handshake.outcome.detail == detail


def test_an_address_is_not_sent_as_a_server_name():
    """RFC 6066: no literal addresses; a name outside ASCII goes in its IDNA form."""
    assert b"10.0.0.1" not in Handshake(server_name="10.0.0.1").start()
    assert b"xn--bcher-kva.example" in Handshake(server_name="bücher.example").start()
