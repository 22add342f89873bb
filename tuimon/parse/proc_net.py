"""/proc/net/tcp, tcp6 and unix in, sockets out (proc_pid_net(5)).

Rule: only sockets that listen, are connected, or are still held though one side has closed matter; a
line that cannot be understood is left out.
"""

import sys
from collections import Counter
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from tuimon.model.endpoint import Socket, SocketState
from tuimon.text import printable

_TCP_STATES = {  # linux/include/net/tcp_states.h
    "01": SocketState.ESTABLISHED,
    "0A": SocketState.LISTEN,
    "04": SocketState.CLOSING,  # FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, LAST_ACK, CLOSING: held, or of no interest
    "05": SocketState.CLOSING,
    "08": SocketState.CLOSING,
    "09": SocketState.CLOSING,
    "0B": SocketState.CLOSING,
}
_SO_ACCEPTCON = 0x10000
_SOCK_STREAM = "0001"
_SS_CONNECTING, _SS_CONNECTED = "02", "03"


def parse_tcp(content: str | bytes, *, byteorder: str = sys.byteorder) -> tuple[Socket, ...]:
    """Read the content of /proc/net/tcp or /proc/net/tcp6.

    `byteorder` (`little` or `big`) is that of the machine the content comes from.  IPv4-mapped IPv6
    addresses are shown as IPv4.  `queue` is the kernel's rx_queue: the accept backlog of a listening
    socket, the bytes not yet read of an established one.
    """
    sockets = []
    for line in _lines(content):
        # sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
        fields = line.split(None, 10)
        if len(fields) < 10 or (state := _TCP_STATES.get(fields[3])) is None:
            continue
        try:
            address, port = _tcp_address(fields[1], byteorder)
            remote_address, remote_port = _tcp_address(fields[2], byteorder)
            queue = int(fields[4].partition(":")[2], 16)
            inode = int(fields[9])
        except ValueError:
            continue
        if state is SocketState.CLOSING and not inode:
            continue
        sockets.append(Socket(state, address, port, remote_address, remote_port, queue, inode))
    return tuple(sockets)


def parse_unix(content: str | bytes) -> tuple[Socket, ...]:
    """Read the content of /proc/net/unix: stream sockets that have a name (abstract ones begin with @).

    A socket made for a client bears the name of its listener; its client usually has none and is left
    out.  As long as nobody has accepted it, it belongs to no inode and seems to be connecting: `queue`
    of the listener is the number of these.
    """
    sockets = []
    waiting: Counter[str] = Counter()
    for line in _lines(content):
        # Num RefCount Protocol Flags Type St Inode Path
        fields = line.split(None, 7)
        if len(fields) < 8 or fields[4] != _SOCK_STREAM:
            continue
        try:
            listening = bool(int(fields[3], 16) & _SO_ACCEPTCON)
            inode = int(fields[6])
        except ValueError:
            continue
        if listening or fields[5] == _SS_CONNECTED:
            state = SocketState.LISTEN if listening else SocketState.ESTABLISHED
            sockets.append(Socket(state, printable(fields[7]), 0, "", 0, 0, inode))
        elif fields[5] == _SS_CONNECTING and not inode:
            waiting[printable(fields[7])] += 1
    return tuple(
        each._replace(queue=waiting[each.address]) if each.state is SocketState.LISTEN else each
        for each in sockets
    )


def _lines(content: str | bytes) -> list[str]:
    if isinstance(content, bytes):
        content = content.decode("utf-8", "surrogateescape")
    return content.split("\n")[1:]  # the first is the heading


def _tcp_address(text: str, byteorder: str) -> tuple[str, int]:
    """`0100007F:1F90` -> `127.0.0.1`, 8080; raises ValueError."""
    address, _, port = text.partition(":")
    return _ip(address, byteorder), int(port, 16)


@lru_cache(maxsize=4096)
def _ip(digits: str, byteorder: str) -> str:
    """Address of 32-bit words that the kernel printed as numbers in its own byte order."""
    raw = bytes.fromhex(digits)
    if byteorder == "little":
        raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    if len(raw) == 4:
        return str(IPv4Address(raw))
    address = IPv6Address(raw)
    return str(address.ipv4_mapped or address)
