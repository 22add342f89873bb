"""The clients of a service on its page: who, how often, how they fare, how regularly they come.

Rule: an address is never cut; who fails now stands first, with the reason under it, then the regulars.
"""

from rich.text import Text

from tuimon.diagnose.client_reasons import words
from tuimon.diagnose.finding import span
from tuimon.diagnose.silence import every, rhythm
from tuimon.model.clients import Peer
from tuimon.model.tunnel import Tunnel
from tuimon.text import counted
from tuimon.ui.document import Document

_SHOWN = 12


def clients(document: Document, tunnel: Tunnel) -> None:
    """The section, where anything is known."""
    peers = sorted(tunnel.clients.peers, key=lambda each: (not each.streak, rhythm(each) is None))
    if not peers:
        return
    document.heading("Clients")
    shown, palette = peers[:_SHOWN], document.palette
    wide = max(4, *(len(each.address) for each in shown))
    head = f"{'peer':{wide}} {'conns':>5} {'failed':>6} {'seen':>7} usually"
    document.line(head, palette.muted)
    for peer in shown:
        _peer(document, peer, wide)
        if peer.last_reason:
            now = "fails" if peer.streak else "last failure"
            style = palette.warning if peer.streak else palette.muted
            document.line(f"{now}: {words(peer.last_reason, client=tunnel.service.client)}", style, indent=2)
    if len(peers) > _SHOWN:
        document.line(f"and {counted(len(peers) - _SHOWN, 'more peer')}", palette.muted)


def _peer(document: Document, peer: Peer, wide: int) -> None:
    usual = rhythm(peer)
    # The log's time lies ahead of a clock that was set back since.
    ago = document.now - (peer.last_seen or document.now)
    seen = "now" if peer.open else span(max(0.0, ago))
    line = Text(f"{peer.address:{wide}} {peer.connections:5} ")
    line.append(f"{peer.failed or '':>6}", document.palette.warning if peer.streak else "")
    line.append(f" {seen:>7} {f'every {every(usual)}' if usual else ''}".rstrip())
    document.line(line)
