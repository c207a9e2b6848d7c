"""ARM template deployments: a template comes in, its resources go through the same handlers as any direct request.

`syntax` reads expressions, `evaluate` and the ``functions_…`` modules give them values, `template` turns a template into
steps, `run` carries the steps out as the sandbox's pace allows, `handlers` is what clients talk to.
"""
