"""Azure Resource Manager and the resource providers behind it, one module each."""
