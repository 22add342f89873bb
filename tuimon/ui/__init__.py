"""The screen.  The only place that imports Textual."""
