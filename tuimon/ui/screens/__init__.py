"""The screens, one a file; each is loaded when somebody goes there, so that the first does not wait for them.

Rule: from elsewhere they are named as `screens.LogScreen`, which loads them when it is evaluated.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuimon.ui.screens.action import ActionScreen as ActionScreen
    from tuimon.ui.screens.actions import ActionsScreen as ActionsScreen
    from tuimon.ui.screens.ask import AskScreen as AskScreen
    from tuimon.ui.screens.certificate import CertificateScreen as CertificateScreen
    from tuimon.ui.screens.certificates import CertificatesScreen as CertificatesScreen
    from tuimon.ui.screens.columns import ColumnsScreen as ColumnsScreen
    from tuimon.ui.screens.commands import CommandsScreen as CommandsScreen
    from tuimon.ui.screens.help import HelpScreen as HelpScreen
    from tuimon.ui.screens.log import LogScreen as LogScreen
    from tuimon.ui.screens.service import ServiceScreen as ServiceScreen

_NAMES = frozenset(
    (
        "action",
        "actions",
        "ask",
        "certificate",
        "certificates",
        "columns",
        "commands",
        "help",
        "log",
        "service",
    )
)


def __getattr__(name: str) -> Any:
    place = name.removesuffix("Screen").lower()
    if place not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{place}"), name)
