"""The screen.  The only place that imports Textual."""

import os

# Textual paints on the beats of a clock, and after a paint that took longer than one waits for the next but
# one: at its own 60 a second a key that comes beside a log line is seen 31 ms late, and at 1,000 it is 2.
# What there is to paint is bounded by the bell and by who types: more beats paint no more.
os.environ.setdefault("TEXTUAL_FPS", "1000")
