"""ARM template deployments: a template comes in, its resources go through the same handlers as any direct request.

`syntax` reads expressions, `evaluate` and the ``functions_…`` modules give them values, `template` turns a template into
steps, `run` carries the steps out as the sandbox's pace allows, `handlers` is what clients talk to.
"""

from cmkctl.sandbox.core.coverage import Area

COVERAGE = Area(
    "ARM deployments",
    supported=(
        "at a resource group and at a subscription: PUT, GET, list, validate, operations, polls, outputs, export",
        "validate: rights, policies and what a provider refuses at once, tried in a copy that is thrown away",
        "what-if: created, changed, unchanged and ignored resources, with the properties that differ",
        "parameters, variables, conditions, copies, dependsOn, nested deployments; resources pass the handlers of PUT",
    ),
    differs=("an expression function that is not known is refused by name",),
    not_modelled=("template and parameter links, deployment stacks, export of a group as a template",),
    guesses=(
        "what-if compares with the resources' own GET; Azure knows more of their defaults",
        "validate looks at no lock, and at nothing that fails only while a resource is being made",
    ),
)
