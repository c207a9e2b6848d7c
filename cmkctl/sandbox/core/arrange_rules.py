"""Arranging what holds for the whole tenant: who can log in and what they may, policies, faults, and the time."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from cmkctl.sandbox.core import directory, environment, ids, roles
from cmkctl.sandbox.core.constants import COSMOS_DB_OBJECT_ID, SUBSCRIPTION_ID
from cmkctl.sandbox.core.pace import parse_span
from cmkctl.sandbox.core.policy import Policy
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_authorization

SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"


class Rules:
    """Arranges principals, their rights, policies, faults and the clock of a running sandbox."""

    def __init__(self, tenant: Tenant, save: Callable[[], None]) -> None:
        """Arrange `tenant`, and call `save` after each change."""
        self.tenant = tenant
        self._save = save

    def _done(self) -> None:
        self.tenant.changed()
        self._save()

    @contextmanager
    def _arranging(self) -> Iterator[None]:
        """Hold the lock; what is new in the directory afterwards is seen everywhere at once; save."""
        with self.tenant.lock:
            before = set(self.tenant.table("principals"))
            yield
            for object_id in self.tenant.table("principals").keys() - before:
                self.tenant.table("principals")[object_id].pop("countdown", None)
            self._done()

    # --- who

    def add_principal(self, app_id: str, name: str, object_id: str | None = None) -> str:
        """Add a service principal to the directory, one that nobody logs in as; return its object id."""
        object_id = object_id or ids.guid("object", app_id)
        with self._arranging():
            self.tenant.add_principal(object_id, app_id, name)
        return object_id

    def add_client(
        self,
        name: str,
        role: str | None = None,
        scope: str = SUBSCRIPTION,
        graph: Iterable[str] = (directory.READ_APPLICATIONS,),
    ) -> dict[str, str]:
        """Add a service principal that can log in, with a role, and return the variables that make a client use it.

        Adding one that exists gives it another role.

        Args:
            name: its display name.
            role: a built-in role by name or id; None gives none.
            scope: where it has the role.
            graph: its application permissions of Microsoft Graph.

        Raises:
            ValueError: there is no such role.

        """
        found = None if role is None else roles.find(role)
        if role is not None and found is None:
            names = ", ".join(known.name for known in roles.ROLES)
            raise ValueError(f"there is no role {role!r} in the sandbox; there are {names}")
        with self._arranging():
            client = directory.add_application(self.tenant, name, graph)
        if found is not None:
            self.assign_role(scope, client.object_id, found.id)
        return environment.identity(client.app_id, client.secret)

    def disown(self) -> None:
        """Take from the usual service principal what it has without being given it: Owner of every subscription."""
        with self.tenant.lock:
            self.tenant.data["caller_owns"] = False
            self._done()

    def assign_role(self, scope: str, object_id: str = COSMOS_DB_OBJECT_ID, role: str = roles.ENCRYPTION_USER) -> str:
        """Assign a role (by id; Key Vault Crypto Service Encryption User unless told) at a scope; return its id."""
        with self.tenant.lock:
            name = ids.guid("assignment", scope, object_id, role)
            identifier = f"{scope}/providers/{microsoft_authorization.ASSIGNMENT}/{name}"
            definition = (
                f"/subscriptions/{ids.subscription_of(scope)}/providers/{microsoft_authorization.DEFINITION}/{role}"
            )
            properties = {
                "roleDefinitionId": definition,
                "principalId": object_id,
                "principalType": "ServicePrincipal",
                "scope": scope,
            }
            document = {
                "properties": properties,
                "id": identifier,
                "type": microsoft_authorization.ASSIGNMENT,
                "name": name,
            }
            self.tenant.table("assignments")[ids.key(identifier)] = {"doc": document}
            self._done()
        return identifier

    # --- policies

    def add_policy(
        self,
        name: str,
        type: str,  # noqa: A002  what a policy calls it
        field: str,
        *,
        allow: Iterable[Any] = (),
        deny: Iterable[Any] = (),
        reason: str = "",
        scope: str = SUBSCRIPTION,
    ) -> str:
        """Assign a policy that denies resources of a type by one property; return the assignment's id.

        ``add_policy("no-keys", "Microsoft.Storage/storageAccounts", "allowSharedKeyAccess", allow=[False])`` wants the
        value; ``add_policy("regions", "*", "location", allow=["eastus2", "westus3"])`` one of two; without `allow` and
        `deny`, as in ``add_policy("owner", "*", "tags.owner")``, the property must be there.
        """
        policy = Policy(name, type, field, scope.rstrip("/"), tuple(allow), tuple(deny), reason)
        with self.tenant.lock:
            self.tenant.table("policies")[name.lower()] = policy.row()
            self._done()
        return policy.assignment_id

    def clear_policies(self) -> None:
        """Take every policy away."""
        with self.tenant.lock:
            self.tenant.table("policies").clear()
            self._done()

    # --- faults and time

    def add_fault(self, text: str) -> None:
        """Switch a fault on: ``NAME[:TIMES][~LENGTH][@TARGET]``; see ``cmkctl sandbox faults``."""
        with self.tenant.lock:
            self.tenant.faults.add(text)

    def faults(self) -> list[str]:
        """Return the faults that are switched on, as they are written, with how often they still strike."""
        with self.tenant.lock:
            return self.tenant.faults.texts()

    def clear_faults(self) -> None:
        """Switch every fault off."""
        with self.tenant.lock:
            self.tenant.faults.clear()

    def advance(self, span: str | float) -> None:
        """Put the sandbox's clock forward: by seconds, or by a span such as ``14d`` or ``1d12h``."""
        with self.tenant.lock:
            self.tenant.advance(parse_span(span) if isinstance(span, str) else span)
            self._done()
