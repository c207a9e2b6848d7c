"""A creation that fails leaves a workspace in the way: the same command goes on, where there is nothing to lose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from support.scenarios import Client, ImpatientClock, ProfileVariant, ScenarioBuilder, World

from cmkctl.azure.session import Session
from cmkctl.diagnostics import CmkctlError
from cmkctl.events import Waiting
from cmkctl.plan import Action
from cmkctl.profile.model import Profile
from cmkctl.sandbox import Pace
from cmkctl.sandbox.server import Running

WORKSPACE = "/workspaces/mlw"
WISH = ProfileVariant()
PATIENT = ProfileVariant(settle_seconds=75)
ROLES = replace(PATIENT, authorization="rbac", user_identity=True)


class InStep(ImpatientClock):
    """A clock whose waits let time pass in the sandbox as well."""

    def __init__(self, running: Running) -> None:
        super().__init__()
        self._running = running

    def sleep(self, seconds: float) -> None:
        """Let the time pass for both."""
        super().sleep(seconds)
        self._running.state.advance(seconds)


@contextmanager
def befallen(maker: ScenarioBuilder, *faults: str, wish: ProfileVariant = WISH) -> Iterator[Profile]:
    """Return a new subscription with a fault."""
    profile = maker.make(wish, World())
    maker.running.state.tenant.pace = Pace.reads(2)
    for each in faults:
        maker.running.state.add_fault(each)
    try:
        yield profile
    finally:
        maker.running.state.clear_faults()
        maker.running.state.tenant.pace = Pace.none()


def in_step(maker: ScenarioBuilder, client: Client, profile: Profile) -> tuple[Session, list[str]]:
    """Return a session whose waits advance the sandbox's clock, and the progress they emit."""
    session, announced = client.session(profile), list[str]()
    session.clock = InStep(maker.running)
    session.emit = lambda event: announced.append(event.what) if isinstance(event, Waiting) else None
    return session, announced


def creations(client: Client, began: int) -> int:
    """How often the workspace's creation was sent."""
    return len([each for each in client.writes_since(began) if each.path.endswith(f"Services{WORKSPACE}")])


def codes(error: CmkctlError) -> list[str]:
    """Return the codes of the failures."""
    return [each.code for each in error.diagnostics]


@pytest.mark.parametrize(("wish", "fault"), [(PATIENT, "slow-grant~8s"), (ROLES, "slow-grant~70s")])
def test_a_grant_has_time_to_take_effect_before_the_one_creation(
    maker: ScenarioBuilder, wish: ProfileVariant, fault: str
) -> None:
    """As long as the profile sets: a failure would be kept by the workspace's name."""
    with befallen(maker, fault, wish=wish) as profile:
        client = maker.client()
        began = client.moment
        session, announced = in_step(maker, client, profile)

        client.apply(profile, session=session)

        assert 1 == creations(client, began)
        assert "the access to the key to take effect" in announced


def test_a_run_that_ends_meanwhile_leaves_the_wait_to_the_next(maker: ScenarioBuilder) -> None:
    """Azure returns the age of a role, so the next run waits for the rest, and sends the one creation."""
    with befallen(maker, "slow-grant~70s", wish=ROLES) as profile:
        client = maker.client()
        began = client.moment
        session, _ = in_step(maker, client, profile)
        session.deadline = session.clock.elapsed() + 40
        again, _ = in_step(maker, maker.client(), profile)

        with pytest.raises(CmkctlError) as caught:
            client.apply(profile, session=session)
        meanwhile = creations(client, began)
        client.apply(profile, session=again)

        assert (["CMK312"], 0, 1) == (codes(caught.value), meanwhile, creations(client, began))


def test_a_grant_that_does_not_count_yet_is_waited_for_slowly(maker: ScenarioBuilder) -> None:
    """The creation is sent again after ten minutes, in the same run, and not before."""
    with befallen(maker, "slow-grant~5m") as profile:
        client = maker.client()
        began = client.moment
        session, announced = in_step(maker, client, profile)
        clock = session.clock.elapsed()

        result = client.apply(profile, session=session)

        assert {Action.NO_OP} == {each.action for each in result.changes}
        assert 2 == creations(client, began)
        assert session.clock.elapsed() - clock >= 600
        assert [] != [each for each in announced if "cannot use the key yet" in each and "UTC" in each]


class Meanwhile(InStep):
    """A clock that runs an action in its first wait of a certain length."""

    def __init__(self, running: Running, does: Callable[[], object], length: float = 600.0) -> None:
        super().__init__(running)
        self._does = [does]
        self._length = length

    def sleep(self, seconds: float) -> None:
        """Let the time pass, and run the action in it."""
        super().sleep(seconds)
        if seconds == self._length and self._does:
            self._does.pop()()


def test_a_workspace_created_elsewhere_during_the_grants_is_not_sent_again(maker: ScenarioBuilder) -> None:
    """The look was before the pause: over a workspace that is there the creation would be an update."""
    with befallen(maker, wish=PATIENT) as profile:
        at_once = profile.key_access.model_copy(update={"settle_seconds": 0})
        client = maker.client()
        began = client.moment
        session, announced = in_step(maker, client, profile)
        another = profile.model_copy(update={"key_access": at_once})
        session.clock = Meanwhile(maker.running, lambda: maker.client().apply(another), length=5.0)

        result = client.apply(profile, session=session)

        assert "the access to the key to take effect" in announced
        assert {Action.NO_OP} == {each.action for each in result.changes}
        assert 1 == creations(client, began)


@pytest.mark.parametrize(("meanwhile", "times"), [("succeeded", 1), ("deleted", 2)])
def test_it_is_read_before_it_is_sent_again(maker: ScenarioBuilder, meanwhile: str, times: int) -> None:
    """A workspace that succeeded during the ten minutes is not sent again; an absent one is created."""
    with befallen(maker, "slow-grant~5m") as profile:
        kept = maker.running.state.tenant.data["resources"]
        workspace = profile.workspace.resource_id.lower()

        def succeed() -> None:
            kept[workspace]["doc"]["properties"]["provisioningState"] = "Succeeded"

        client = maker.client()
        began = client.moment
        session = client.session(profile)
        does = {"succeeded": succeed, "deleted": lambda: kept.pop(workspace)}[meanwhile]
        session.clock = Meanwhile(maker.running, does)

        client.apply(profile, session=session)

        assert times == creations(client, began)


def test_a_failure_that_is_kept_by_name_ends_with_what_helps(maker: ScenarioBuilder) -> None:
    """Four creations in half an hour, then the run reports the remedy; the next run continues when Azure has forgotten."""
    with befallen(maker, "slow-grant~5m", "failure-cached:1~50m") as profile:
        client = maker.client()
        began = client.moment

        session = client.session(profile)
        session.clock = InStep(maker.running)

        with pytest.raises(CmkctlError) as caught:
            client.apply(profile, session=session)
        tried = creations(client, began)
        maker.running.state.advance("20m")
        result = maker.client().apply(profile)

        assert ["CMK315"] == codes(caught.value)
        assert "workspace.name" in caught.value.diagnostics[0].remedy
        assert 4 == tried
        assert {Action.NO_OP} == {each.action for each in result.changes}


def test_timeout_ends_the_slow_waiting_before_it_begins(maker: ScenarioBuilder) -> None:
    """A run that may take five minutes does not begin to wait for ten."""
    with befallen(maker, "slow-grant~5m") as profile:
        client = maker.client()
        session = client.session(profile)
        began = client.moment
        session.deadline = session.clock.elapsed() + 300

        with pytest.raises(CmkctlError) as caught:
            client.apply(profile, session=session)

        assert (["CMK315"], 1) == (codes(caught.value), creations(client, began))


@pytest.mark.parametrize(("fault", "code"), [("late-failure", "CMK311"), ("search-quota", "CMK314")])
def test_after_another_failure_the_next_run_creates_it_over_what_was_left(
    maker: ScenarioBuilder, fault: str, code: str
) -> None:
    """The failure is reported at once, and the same command continues when its cause is gone."""
    with befallen(maker, fault) as profile:
        client = maker.client()
        began = client.moment

        with pytest.raises(CmkctlError) as caught:
            client.apply(profile)
        tried = creations(client, began)
        plan = maker.client().plan(profile)
        result = maker.client().apply(profile)

        assert ([code], 1) == (codes(caught.value), tried)
        assert ["its creation failed, and is sent again"] == [each.reason for each in plan.pending]
        assert {Action.NO_OP} == {each.action for each in result.changes}


def test_a_workspace_that_was_ready_once_is_never_created_over(maker: ScenarioBuilder) -> None:
    """A failed update leaves work behind: a conflict, and nothing is sent."""
    profile = maker.make(ProfileVariant(), World("finished", ("the workspace has failed",)))
    client = maker.client()
    began = client.moment

    plan = client.plan(profile)

    assert ["CMK251"] == [each.code for each in plan.changes if each.action is Action.CONFLICT]
    assert [] == client.writes_since(began)


def test_a_failed_creation_of_an_earlier_run_is_reported_and_not_repeated(maker: ScenarioBuilder) -> None:
    """The plan had a wait and no new creation. The next plan shows it."""
    profile = maker.make(ProfileVariant(), World("being made"))
    for each in maker.running.state.tenant.table("operations").values():
        each["failure"] = {"code": "InternalServerError", "message": "no"}
    client = maker.client()
    began = client.moment

    with pytest.raises(CmkctlError) as caught:
        client.apply(profile)
    plan = maker.client().plan(profile)

    assert ["CMK311"] == codes(caught.value)
    assert "activity log" in caught.value.diagnostics[0].remedy
    assert [] == client.writes_since(began)
    assert ["its creation failed, and is sent again"] == [each.reason for each in plan.pending]
