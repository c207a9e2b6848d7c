"""The tenant, its rules and its files: everything that neither listens nor belongs to one resource provider."""
