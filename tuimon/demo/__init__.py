"""The throwaway fleet of real stunnel services on loopback."""
