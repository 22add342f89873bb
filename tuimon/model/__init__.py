"""Frozen facts, one noun a file.  Standard library only; no clock, no I/O, no judgement."""
