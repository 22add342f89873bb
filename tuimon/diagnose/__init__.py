"""Pure judgements: facts + now + settings in, ordered findings out.

Rule: what judges a whole service or instance is loaded when the first one is judged, of which there is
nothing to be seen before the machine was looked at; it is named as `diagnose.service` by whoever shows rows.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuimon.diagnose import hazard as hazard
    from tuimon.diagnose import instance as instance
    from tuimon.diagnose import pair as pair
    from tuimon.diagnose import service as service

_NAMES = frozenset(("hazard", "instance", "pair", "service"))


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
