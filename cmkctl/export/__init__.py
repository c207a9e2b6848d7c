"""Exports: a plan as other tools read it. Pure."""
