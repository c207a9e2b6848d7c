"""The sections of the associated resources, one file for each kind. Their bodies are in `cmkctl.steps._associated`."""
