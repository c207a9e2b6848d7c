"""The documented procedure, one file per step. `cmkctl.procedures` puts them in their order.

A module whose name begins with an underscore holds the details of one step: open the step first.
"""
