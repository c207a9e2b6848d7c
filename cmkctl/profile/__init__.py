"""The desired state: the model of a profile, and the loader with its diagnostics."""
