"""tuimon: a terminal screen for people who keep fleets of stunnel TLS tunnels alive."""

__version__ = "0.1.0"
