"""The preflight rules (`rules`), the catalogue of codes (`catalogue`), and the look through azure-ai-ml (`opened`).

A rule is a pure function over the profile and what was observed. One that makes an error refuses the plan; one that makes a
warning is shown and lets it be.
"""
