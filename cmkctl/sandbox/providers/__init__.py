"""One module or package per resource provider namespace, found by `cmkctl.sandbox.core.registry`."""
