"""Proofs of robustness: each module leaves a small table of figures for the end of the run."""
