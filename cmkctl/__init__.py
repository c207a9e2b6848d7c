"""cmkctl: Azure Machine Learning workspaces encrypted with a customer-managed key, created correctly."""

__version__ = "0.1.0"
