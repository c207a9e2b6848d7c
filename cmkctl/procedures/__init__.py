"""Procedures: the sequences of steps that commands run."""
