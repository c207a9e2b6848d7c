"""Renderings of a survey: for a terminal, as JSON objects, and as files. All are made from one `Survey`.

`questions` flattens it for the formats that list results: SARIF, OCSF, JUnit and CSV. `words` has what several of them share.
"""
