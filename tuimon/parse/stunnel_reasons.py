"""What a failure line of stunnel means, in a few words for the person on call.

Rule: OpenSSL errors are told by their 8-hex code, never by OpenSSL's file names and lines.  The low
twelve bits are the reason, the same in OpenSSL 1.1 (`1408A0C1`) and 3.x (`0A0000C1`); reasons from
1000 on are alerts of the peer, by their number in RFC 8446 section 6.
"""

import re

_ERROR = re.compile(r"error:([0-9A-Fa-f]{8}):")
_ERRNO = re.compile(r" \(\d+\)$")
_EMPTY = re.compile(r"\w+ lib$|reason\(\d+\)$")  # OpenSSL says only where, not why
_ALERT = 1000

_REASONS = {
    0x065: "no shared group for the key exchange",
    0x076: "no shared signature algorithm",
    0x086: "the peer's certificate failed verification",
    0x09B: "plain HTTP proxy request sent to the TLS port",
    0x09C: "plain HTTP sent to the TLS port",
    0x0C1: "no shared cipher",
    0x0C7: "peer did not send a certificate",
    0x0DF: "PSK identity unknown",
    0x0EB: "no ALPN protocol in common",
    0x0FD: "wrong pre-shared key",
    0x102: "no shared TLS version",
    0x10B: "peer does not speak TLS",
    0x119: "bad record, or wrong key",
    0x126: "peer closed without close_notify",
    0x18C: "no shared TLS version",
}

_ALERTS = {
    10: "peer got a message it did not expect (alert unexpected message)",
    20: "peer got a bad record (alert bad record mac)",
    40: "peer refused the handshake (alert handshake failure)",
    42: "peer rejected our certificate (alert bad certificate)",
    43: "peer does not support our kind of certificate (alert unsupported certificate)",
    44: "peer says that our certificate is revoked (alert certificate revoked)",
    45: "peer says that our certificate has expired (alert certificate expired)",
    46: "peer rejected our certificate (alert certificate unknown)",
    47: "peer refused our parameters or PSK (alert illegal parameter)",
    48: "peer does not know our CA (alert unknown ca)",
    49: "peer denied access (alert access denied)",
    50: "peer could not decode a message (alert decode error)",
    51: "peer could not check a signature or PSK (alert decrypt error)",
    70: "no shared TLS version (alert protocol version)",
    71: "peer demands stronger ciphers (alert insufficient security)",
    # stunnel's answer when its own check of the certificate's name fails.
    80: "peer failed inside, or does not accept our name (alert internal error)",
    86: "peer saw a downgrade of the TLS version (alert inappropriate fallback)",
    90: "peer gave up (alert user canceled)",
    109: "peer misses an extension (alert missing extension)",
    112: "peer does not know the server name (alert unrecognized name)",
    113: "peer rejected the OCSP answer (alert bad certificate status response)",
    115: "peer does not know our PSK identity (alert unknown psk identity)",
    116: "peer demands a certificate (alert certificate required)",
    120: "no ALPN protocol in common (alert no application protocol)",
}

# The same reason means one thing while the handshake runs, on our side of it, and another after it.
_BY_FUNCTION = {
    ("SSL_accept", 0x10B): "plain text sent to the TLS port",
    ("SSL_accept", 0x126): "peer closed during the handshake",
    ("SSL_connect", 0x126): "peer closed during the handshake",
}

_LOADING = {
    "SSL_CTX_use_certificate_chain_file": "cannot load the certificate",
    "SSL_CTX_use_PrivateKey_file": "cannot load the private key",
    "SSL_CTX_load_verify_locations": "cannot load the CA file",
    "SSL_CTX_set_cipher_list": "cannot use the cipher list",
}

_PLAINER = {
    "no start line": "no PEM data in it",
    "key values mismatch": "it does not belong to the certificate",
    "bad decrypt": "wrong password",
    "problems getting password": "it is encrypted",
    "processing error": "it is encrypted and no password was given",
}

_PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), phrase)
    for pattern, phrase in (
        (
            r"(?:s_connect: |connect_blocking: |remote )connect .+: (?P<words>[^:]+?)(?: \(\d+\))?$",
            "{words}",
        ),
        (r".*TIMEOUTconnect exceeded", "connection timed out (TIMEOUTconnect)"),
        (
            r"(?:ssl_start|init_ssl): .*TIMEOUTbusy exceeded",
            "peer fell silent during the handshake (TIMEOUTbusy)",
        ),
        (r".*TIMEOUTbusy exceeded", "peer fell silent (TIMEOUTbusy)"),
        (r".*TIMEOUTidle exceeded", "idle for too long (TIMEOUTidle)"),
        (r".*TIMEOUTclose exceeded", "peer did not close in time (TIMEOUTclose)"),
        (r".*TIMEOUTocsp exceeded", "OCSP responder did not answer in time (TIMEOUTocsp)"),
        (r"No more addresses to connect", "no address could be connected"),
        (r'Error resolving "(?P<name>[^"]*)": .*EAI_AGAIN', "name server did not answer for {name}"),
        (r'Error resolving "(?P<name>[^"]*)": .*EAI_NONAME', "no such host name: {name}"),
        (r'Error resolving "(?P<name>[^"]*)": ', "cannot resolve {name}"),
        (r'Unknown TCP service "(?P<name>.*)"', "no such port name: {name}"),
        (r"No remote host resolved", "no target name could be resolved"),
        (r"CERT: Pre-verification error: (?P<words>.+)", "certificate rejected: {words}"),
        (r"CERT: Verification error: (?P<words>.+)", "certificate rejected: {words}"),
        (r"VERIFY ERROR: depth=\d+, error=(?P<words>[^:]+)", "certificate rejected: {words}"),
        (r"VERIFY ERROR ONLY MY: ", "certificate rejected: not among the trusted peers"),
        (r"Rejected by CRL at depth=\d+: (?P<words>.+)", "certificate revoked: {words}"),
        (r"CERT: Subject checks failed", "certificate rejected: its names do not match"),
        (r"CERT: Certificate not found", "certificate rejected: not among the trusted peers"),
        (r"Rejected by CERT at depth=\d+: (?P<words>.+)", "certificate rejected: {words}"),
        (r"Rejected by OCSP at depth=\d+: (?P<words>.+)", "certificate rejected by OCSP: {words}"),
        (r"OCSP: Rejected \((?P<words>.+)\)", "certificate rejected by OCSP: {words}"),
        (r"Redirecting connection", "redirected: no acceptable certificate"),
        (r"SNI: no pattern matched servername: (?P<name>.+)", "no service for the server name {name}"),
        (r"Connection rejected: (?P<words>too many clients.*)", "{words}"),
        (r"local socket: Too many open files", "out of file descriptors"),
        (r"Connection from .+ REFUSED by IDENT", "refused by ident"),
        (
            r"(?:Service \[.*\]|Connection from .+) REFUSED by libwrap",
            "refused by libwrap (hosts.allow, hosts.deny)",
        ),
        (r"PostgreSQL client did not request TLS", "client did not ask for TLS"),
        (r"SOCKS connection to the (?P<words>.+) rejected", "SOCKS target refused: {words}"),
        (r"(?:\w+: )?Unexpected socket close|s_read: Received ", "closed during the protocol negotiation"),
        (r"getpeerbyname \(local_rfd\): ", "client was gone before it was accepted"),
        (r".*closed \(SSL_write\) with (?P<count>\d+) unsent", "peer closed with {count} bytes unsent"),
        (r"(?:transfer: )?TLS fd: Connection reset by peer", "reset on the TLS side"),
        (r"(?:transfer: )?socket fd: Connection reset by peer", "reset on the plain side"),
        (r"Binding service \[.*\] to .+: (?P<words>[^:]+?)(?: \(\d+\))?$", "{words}"),
    )
)


def reason_in_words(message: str) -> str:
    """Say in one short phrase why `message` (of a LogRecord) is a failure; empty if it is none known."""
    function, colon, rest = message.removeprefix("transfer: ").partition(": ")
    if colon and (function.startswith("SSL_") or function == "error queue"):
        return _of_openssl(function, rest)
    for pattern, phrase in _PHRASES:
        if match := pattern.match(message):
            words = match.groupdict()
            if "words" in words:
                words["words"] = _lower_first(words["words"])
            return phrase.format_map(words)
    return ""


def _of_openssl(function: str, text: str) -> str:
    """`SSL_accept`, `FILE:LINE: error:0A0000C1:SSL routines::no shared cipher` -> `no shared cipher`."""
    plain = _lower_first(_ERRNO.sub("", text.rpartition(":")[2].strip()))
    if loading := _LOADING.get(function):
        return f"{loading}: {_PLAINER.get(plain, plain)}"
    error = _ERROR.search(text)
    if plain == "peer suddenly disconnected":
        during = " during the handshake" if function in {"SSL_accept", "SSL_connect"} else ""
        return f"peer closed{during or ' without close_notify'}"
    if error is None:  # an error of the system: `SSL_accept: Connection reset by peer (104)`
        during = " during the handshake" if function in {"SSL_accept", "SSL_connect"} else ""
        return f"{plain}{during}" if _ERRNO.search(text) else ""
    said = "" if _EMPTY.match(plain) else plain
    if ":SSL routines:" not in text:
        return said
    reason = int(error[1], 16) & 0xFFF
    special = _BY_FUNCTION.get((function, reason)) or _REASONS.get(reason)
    return special or _ALERTS.get(reason - _ALERT, said)


def _lower_first(words: str) -> str:
    # Not `PEM`, `IPv4` or `O=Lab`.
    return words[:1].lower() + words[1:] if words[1:2].islower() else words
