"""The I/O, one source a file, each written against `Host`; facts go out as events."""
