"""The parameters of a template: what is given, what is the default, what is refused."""

from typing import Any

import pytest
from support.deployments import (
    Deployer,
    template,
)
from support.sandbox import Client


@pytest.fixture
def deploy(quick: Client) -> Deployer:
    """Deploy into a sandbox in which everything is done at once."""
    return Deployer(quick)


def parameters(**declared: Any) -> dict[str, Any]:
    """Return a template without resources that takes these parameters."""
    return template(parameters=declared)


def test_parameters_take_what_is_given_then_what_is_the_default(deploy: Deployer) -> None:
    """A default may refer to other parameters in any order; null means the default (recording 01)."""
    form = parameters(
        second={"type": "string", "defaultValue": "[concat(parameters('first'), '-2')]"},
        first={"type": "string", "defaultValue": "one"},
        number={"type": "int", "defaultValue": 7},
    )

    found = deploy.run(form, parameters={"first": {"value": "1"}, "number": {"value": None}})

    expected = {
        "second": {"type": "String", "value": "1-2"},
        "first": {"type": "String", "value": "1"},
        "number": {"type": "Int", "value": 7},
    }
    assert expected == found["parameters"]


@pytest.mark.parametrize(
    ("declaration", "value", "problem"),
    [
        ({"type": "string"}, None, "value for the template parameter 'it' is not provided"),
        ({"type": "string"}, 1, "not of type String"),
        ({"type": "int"}, True, "not of type Int"),
        ({"type": "bool"}, "true", "not of type Bool"),
        ({"type": "array"}, {}, "not of type Array"),
        (
            {"type": "string", "allowedValues": ["a"]},
            "b",
            "provided value b for the template parameter it is not valid",
        ),
        ({"type": "string", "minLength": 2}, "b", "outside its minLength 2"),
        ({"type": "array", "maxLength": 1}, [1, 2], "outside its maxLength 1"),
        ({"type": "int", "maxValue": 3}, 4, "outside its maxValue 3"),
        ({"type": "color"}, "red", "of no known type"),
        ({"type": "string", "defaultValue": "[parameters('it')]"}, None, "refers to itself"),
    ],
)
def test_parameters_are_checked(deploy: Deployer, declaration: dict[str, Any], value: Any, problem: str) -> None:
    """Before anything is deployed, with InvalidTemplate."""
    given = {} if value is None else {"it": {"value": value}}

    status, code, message = deploy.refusal(parameters(it=declaration), parameters=given)

    assert (status, code) == (400, "InvalidTemplate")
    assert problem in message


def test_a_parameter_the_template_has_not_is_refused(deploy: Deployer) -> None:
    """By name, with those it has."""
    _, code, message = deploy.refusal(
        parameters(it={"type": "string", "defaultValue": ""}), parameters={"other": {"value": 1}}
    )

    assert code == "InvalidTemplate"
    assert "'other' are not present" in message
    assert "'it'" in message


def test_new_guid_and_utc_now_stand_in_defaults_only(deploy: Deployer) -> None:
    """Each deployment has its own."""
    form = template(
        parameters={
            "guid": {"type": "string", "defaultValue": "[newGuid()]"},
            "day": {"type": "string", "defaultValue": "[utcNow('yyyy-MM-dd')]"},
        }
    )

    one, two = (deploy.run(form, name)["parameters"] for name in ("one", "two"))

    assert one["guid"]["value"] != two["guid"]["value"]
    assert len(one["day"]["value"]) == len("2026-01-31")


@pytest.mark.parametrize(
    ("properties", "what"),
    [
        ({"mode": "Complete"}, "mode Complete"),
        ({"templateLink": {"uri": "https://example.com"}}, "templateLink"),
        ({"parameters": {"a": {"reference": {"keyVault": {"id": "x"}, "secretName": "y"}}}}, "key vault's secret"),
    ],
)
def test_what_is_not_modelled_is_refused_as_such(deploy: Deployer, properties: dict[str, Any], what: str) -> None:
    """Never a quiet 200."""
    _, code, message = deploy.refusal(parameters(a={"type": "string"}), **properties)

    assert code == "SandboxNotModelled"
    assert what in message
