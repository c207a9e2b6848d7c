"""Whatever comes in an answer's place, a run ends in a result or in a diagnostic; and the next run sets it right.

A sample runs by default. ``CMKCTL_ANSWERS=3000 python -m pytest tests/answers`` tries so many examples of each property.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from azure.core.exceptions import AzureError
from hypothesis import given
from support.corrupted_responses import Network, Spoilt, sampled, spoilt
from support.scenarios import Client, ProfileVariant, ScenarioBuilder, World
from support.toy_procedure import PROFILE

from cmkctl.azure.errors import AzureFailed, classify
from cmkctl.diagnostics import CmkctlError, Diagnostic
from cmkctl.plan import Action, Plan
from cmkctl.procedures.create import CREATE
from cmkctl.sandbox import Pace
from cmkctl.sandbox.core.requestlog import LoggedRequest
from cmkctl.views import make_view
from cmkctl.views.shown import DiagnosticsShown, OutputsShown, PlanShown

WISHED = (ProfileVariant(), ProfileVariant(authorization="rbac", user_identity=True, registry=True))
"""Access policies and roles: between them, every kind of document that is read and every write that is sent."""


def shown(show: Callable[..., None]) -> str:
    """Show something in every view, as a terminal in UTF-8 and one that knows only ASCII would get it."""
    written = ""
    for json, encoding in ((True, "utf-8"), (False, "utf-8"), (False, "ascii")):
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2))
        with make_view(json=json, stdout=out, stderr=err, stdin=io.StringIO(), environ={}) as view:
            show(view)
        for each in (out, err):
            each.seek(0)
            written += each.read()
    return written


def ended(work: Callable[[], Plan]) -> tuple[Plan | None, tuple[Diagnostic, ...]]:
    """Return the result of a command: a plan, or the diagnostics that `cmkctl.cli.run` makes of its error."""
    try:
        return work(), ()
    except CmkctlError as error:
        return None, error.diagnostics
    except AzureError as error:
        return None, AzureFailed(classify(error)).diagnostics


def display(plan: Plan | None, diagnostics: tuple[Diagnostic, ...]) -> None:
    """Show how a command ended, whatever it holds."""
    if plan is None:
        assert diagnostics
        text = shown(lambda view: view.show(DiagnosticsShown(diagnostics)))
        assert all(each.code in text for each in diagnostics)
    else:
        shown(lambda view: view.show(PlanShown(plan, detailed=True)))
        shown(lambda view: view.show(OutputsShown(CREATE.outputs(PROFILE, plan.known))))


@dataclass(frozen=True)
class Asked:
    """Every request of a whole run, by the wish and the work."""

    by: dict[tuple[ProfileVariant, str], list[tuple[str, str]]] = field(repr=False)


def requests_of(
    maker: ScenarioBuilder, network: Network, wish: ProfileVariant, world: World, work: str
) -> list[tuple[str, str]]:
    """Return the requests of a run without corrupted responses."""
    network.quiet()
    profile = maker.make(wish, world)
    client = Client(maker.running, network.transport)
    client.apply(profile) if work == "apply" else client.plan(profile)
    return network.requested


def twice(written: list[LoggedRequest]) -> list[str]:
    """Return the writes that Azure carried out more than once."""
    done = Counter(f"{each.method} {each.path}".lower() for each in written if each.status < 400)
    return [each for each, times in done.items() if times > 1]


@pytest.fixture(scope="module")
def asked(maker: ScenarioBuilder, network: Network) -> Asked:
    """Every request of a whole apply in a new subscription, and of a plan when all is done, for each wish."""
    maker.running.state.tenant.pace = Pace.reads(2)
    found = {(each, "apply"): requests_of(maker, network, each, World(), "apply") for each in WISHED}
    maker.running.state.tenant.pace = Pace.none()
    planned = {(each, "plan"): requests_of(maker, network, each, World("finished"), "plan") for each in WISHED}
    return Asked(found | planned)


@pytest.mark.parametrize("wish", WISHED, ids=["policies", "roles"])
@given(spoilt=spoilt())
@sampled(40)
def test_a_plan_ends_in_a_plan_or_in_a_diagnostic(
    maker: ScenarioBuilder, network: Network, asked: Asked, wish: ProfileVariant, spoilt: Spoilt
) -> None:
    """Any answer to any read of a finished set-up, and to the request for a token."""
    profile = maker.make(wish, World("finished"))
    network.spoil(asked.by[wish, "plan"], spoilt)
    client = Client(maker.running, network.transport)
    began = client.moment

    plan, diagnostics = ended(lambda: client.plan(profile))

    display(plan, diagnostics)
    assert [] == client.writes_since(began)


@pytest.mark.parametrize("wish", WISHED, ids=["policies", "roles"])
@given(spoilt=spoilt())
@sampled(8)
def test_an_apply_ends_in_a_result_or_in_a_diagnostic_and_the_next_one_converges(
    maker: ScenarioBuilder, network: Network, asked: Asked, wish: ProfileVariant, spoilt: Spoilt
) -> None:
    """Any answer to any read, write or poll of a whole apply in a new subscription; nothing is made twice."""
    profile = maker.make(wish, World())
    client = Client(maker.running, network.transport)
    began = client.moment
    maker.running.state.tenant.pace = Pace.reads(2)
    try:
        network.spoil(asked.by[wish, "apply"], spoilt)
        display(*ended(lambda: client.apply(profile)))
        network.quiet()
        result = client.apply(profile)
    finally:
        maker.running.state.tenant.pace = Pace.none()

    assert {Action.NO_OP} == {each.action for each in result.changes}
    assert [] == twice(client.writes_since(began))
