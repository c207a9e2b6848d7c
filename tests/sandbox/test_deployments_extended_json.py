"""What Resource Manager takes for JSON where a template is in it."""

import pytest

from cmkctl.sandbox.deployments.extended_json import read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"properties": {"mode": "x", template:{"a": 1}}}', {"properties": {"mode": "x", "template": {"a": 1}}}),
        ('{ // a comment\n"a": /* another,\nlonger */ "b"}', {"a": "b"}),
        ('{"a": "https://x/*y*/", "b": "no: //comment \\" here"}', {"a": "https://x/*y*/", "b": 'no: //comment " here'}),
        ('{"a": "[concat(\n  \'b\')]"}', {"a": "[concat(\n  'b')]"}),
        ('{"a": true, "b": null}', {"a": True, "b": None}),
    ],
    ids=["a bare name, as the az CLI sends it", "comments", "no comment in a string", "a string of two lines", "words"],
)  # fmt: skip
def test_templates_may_be_written_as_azure_documents_it(text: str, value: object) -> None:
    """Comments and strings over several lines are documented; the bare name is the az CLI's, and Azure takes it."""
    assert value == read(text)


@pytest.mark.parametrize("text", ['{"a": 1,}', "{'a': 1}", '{"a": bare}', '{"a": "open}', ""])
def test_what_is_not_documented_is_no_json(text: str) -> None:
    """The sandbox is not laxer than the documentation."""
    with pytest.raises(ValueError, match=r".+"):
        read(text)
