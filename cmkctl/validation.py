"""Azure's own word on a plan: its ARM template is validated by Resource Manager, which writes nothing.

Every provider and every policy checks the resources that the plan creates. What a template cannot express is left out.

Source: https://learn.microsoft.com/rest/api/resources/deployments/validate-at-subscription-scope and .../deployments/validate
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from azure.core.exceptions import AzureError, HttpResponseError

from cmkctl.azure import versions
from cmkctl.azure.errors import AzureFailed, classify, refusals_of
from cmkctl.azure.failures import Failure, FailureKind
from cmkctl.azure.ids import subscription_id
from cmkctl.azure.remedies import diagnose
from cmkctl.azure.session import Session
from cmkctl.azure.waiting import poll_to_end
from cmkctl.codes import CMK196, CMK197
from cmkctl.diagnostics import CmkctlError, Diagnostic
from cmkctl.export.arm import Exported, arm_template
from cmkctl.plan import Change, Plan
from cmkctl.profile.model import Profile

_NAME: Final = "cmkctl-validation"
_TIMEOUT: Final = 300.0
_REFUSED: Final = "InvalidTemplateDeployment"
_TEMPLATE: Final = "InvalidTemplate"
"""The code of a refusal of the template itself, which is no verdict on the resources."""
_NO_VERDICT: Final = (FailureKind.NOT_REGISTERED, FailureKind.PASSING, FailureKind.THROTTLED)


@dataclass(frozen=True, slots=True)
class Validation:
    """The result: the resources that were validated, the changes that no template can express, and what was found."""

    resources: int
    left_out: int
    diagnostics: tuple[Diagnostic, ...] = ()


def validate(session: Session, profile: Profile, plan: Plan) -> Validation:
    """Send the plan's template for validation.

    A refused resource is an error (CMK196). Without a verdict, for want of a permission or because Azure cannot be reached, there
    is a note (CMK197). Nothing is sent for a plan that creates nothing.
    """
    exported = arm_template(plan)
    found = Validation(len(exported.contained), len(exported.left_out))
    if not exported.contained:
        return found
    path, body = _question(profile, exported)
    try:
        answer = session.question(path, versions.RESOURCES, body)
        poll_to_end(session, answer.http_response, "the validation of the plan", _TIMEOUT)
    except HttpResponseError as error:
        return replace(found, diagnostics=tuple(_refused(error, exported.contained)))
    except AzureError as error:
        return replace(found, diagnostics=(_no_verdict(classify(error)),))
    except AzureFailed as error:
        failure, refused = error.failure, error.failure.has_code(_REFUSED)
        verdict = _explained(failure, exported.contained) if refused else _no_verdict(failure)
        return replace(found, diagnostics=(verdict,))
    except CmkctlError as error:  # it took too long, or a tape was recorded without it
        return replace(found, diagnostics=(_unavailable(error),))
    return found


def _question(profile: Profile, exported: Exported) -> tuple[str, Mapping[str, Any]]:
    """Return the path and body of the validation: at the profile's resource group if it exists, else at the subscription.

    So the rights on the resource group suffice where everything that is planned is in it.
    """
    if exported.makes_groups:
        scope, template = subscription_id(profile.subscription), exported.template
        more = {"location": profile.location}
    else:
        scope, template, more = profile.resource_group_id, exported.for_group(), {}
    path = f"{scope}/providers/Microsoft.Resources/deployments/{_NAME}/validate"
    return path, {**more, "properties": {"mode": "Incremental", "template": template}}


def _unavailable(error: CmkctlError) -> Diagnostic:
    first = error.diagnostics[0]
    return CMK197.note(f"{first.summary}: {first.detail.splitlines()[0].rstrip(':.')}.")


def _refused(error: HttpResponseError, changes: tuple[Change, ...]) -> Iterator[Diagnostic]:
    failure = classify(error)
    if not failure.has_code(_REFUSED):
        yield _no_verdict(failure)
        return
    for each in refusals_of(error):
        if each.kind in _NO_VERDICT or each.code == _TEMPLATE:
            yield _no_verdict(each)
        else:
            yield _explained(each, changes)


def _no_verdict(failure: Failure) -> Diagnostic:
    return CMK197.note(f"Azure gives no verdict on the plan: {failure}")


def _explained(failure: Failure, changes: tuple[Change, ...]) -> Diagnostic:
    """Return the refusal of one resource, explained as if its own request had been refused."""
    # The name of a resource group is in the ids of everything in it.
    about = [each for each in changes if _is_about(failure, each)]
    change = max(about, key=lambda each: len(each.resource_id), default=None)
    if change is None:
        found = diagnose(failure)
        return CMK196.error(f"{found.summary}: {found.detail}", found.remedy)
    target = change.resource_id.rpartition("/")[2]
    found = diagnose(replace(failure, request=f"PUT {change.resource_id}", target=failure.target or target))
    return CMK196.error(f"{change.title}: {found.summary}. {found.detail}", found.remedy, change.step)


def _is_about(failure: Failure, change: Change) -> bool:
    name = change.resource_id.rpartition("/")[2].lower()
    target = failure.target.lower().rstrip("/")
    return target.rpartition("/")[2] == name if target else name in failure.message.lower()
