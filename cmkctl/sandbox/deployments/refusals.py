"""What a deployment is refused with, and how a failed one says why.

The codes are Azure's. The words are Azure's where the docstring says ``recorded`` or ``documented``; elsewhere they are
the sandbox's own and begin with ``[sandbox]``, as everywhere in `cmkctl.sandbox.core.errors`.
"""

import json
from http import HTTPStatus
from typing import Any

from cmkctl.sandbox.core.errors import OWN, AzureError

Json = dict[str, Any]


class ExpressionError(Exception):
    """An expression has no value; the text says why, without saying where. Whoever knows where adds that."""


def invalid(problem: str) -> AzureError:
    """Return the refusal of a whole template. The frame is documented (error-invalid-template), the problem is not."""
    return AzureError(400, "InvalidTemplate", f"Deployment template validation failed: '{OWN}{problem}'.")


def segments(name: str, resource_type: str) -> AzureError:
    """Documented (error-invalid-template): a name has one segment for each segment of its type."""
    text = f"The template resource '{name}' for type '{resource_type}' has incorrect segment lengths."
    return AzureError(400, "InvalidTemplate", f"Deployment template validation failed: '{text}'.")


def not_allowed(value: object, parameter: str) -> AzureError:
    """Documented (error-invalid-template): a parameter's value is not among those its template allows."""
    text = (
        f"The provided value {value} for the template parameter {parameter} is not valid. "
        "The parameter value is not part of the allowed values"
    )
    return AzureError(400, "InvalidTemplate", f"Deployment template validation failed: '{text}'.")


def deployment_not_found(name: str) -> AzureError:
    """Return the 404 of a deployment that is not there. The code is Azure Resource Manager's."""
    return AzureError(404, "DeploymentNotFound", f"{OWN}Deployment '{name}' could not be found.")


def deployment_active(name: str, began: str) -> AzureError:
    """Return the 409 of a deployment whose name is still being deployed. The code is Azure Resource Manager's."""
    text = (
        f"{OWN}Unable to edit or replace deployment '{name}': the previous deployment from '{began}' is still active."
    )
    return AzureError(409, "DeploymentActive", text)


# --- why a deployment failed ----------------------------------------------------------------------------------------


def failed(target: str, details: list[Json]) -> Json:
    """Return the outermost error of a failed deployment. Recorded (61)."""
    text = (
        "At least one resource deployment operation failed. Please list deployment operations for details. "
        "Please see https://aka.ms/arm-deployment-operations for usage details."
    )
    return {"code": "DeploymentFailed", "target": target, "message": text, "details": details}


def rejected(refusal: AzureError) -> Json:
    """Return the error of a resource whose request was refused: the whole answer as text. Recorded (61, fact 12)."""
    answer = json.dumps(refusal.body(), indent=2).replace("\n", "\r\n")
    return {"code": reason(refusal.status), "message": answer}


def ended_failed(target: str, cause: Json) -> Json:
    """Return the error of a resource that was accepted and whose operation failed later. Recorded (61)."""
    text = (
        "The resource write operation failed to complete successfully, because it reached terminal provisioning state "
        "'Failed'."
    )
    return {"code": "ResourceDeploymentFailure", "target": target, "message": text, "details": [cause]}


def outputs_failed(problem: str) -> Json:
    """Return the error of a deployment whose resources are there and whose outputs have no value."""
    text = f"{OWN}Unable to evaluate template outputs: {problem}"
    return {"code": "DeploymentOutputEvaluationFailed", "message": text}


def reason(status: int) -> str:
    """Return a status as deployments write it: ``BadRequest`` for 400, ``Created`` for 201, ``OK`` for 200."""
    return HTTPStatus(status).phrase.replace(" ", "") if status != HTTPStatus.OK else "OK"
