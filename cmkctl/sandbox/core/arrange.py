"""Puts a sandbox into the state a test or a demo begins with, without HTTP.

Everything arranged is there at once and finished: vaults are ``Succeeded``, providers ``Registered``. Names are enough;
ids are returned. Nothing arranged is in the request log.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from cmkctl.sandbox.core import directory, environment, ids, registry, roles
from cmkctl.sandbox.core.constants import SUBSCRIPTION_ID
from cmkctl.sandbox.core.messages import Json
from cmkctl.sandbox.core.pace import parse_span
from cmkctl.sandbox.core.policy import Policy
from cmkctl.sandbox.core.state import Tenant

LOCATION = "eastus2"
SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"


class Arrangement:
    """Arranges and inspects the tenant of a running sandbox. Safe to use while it serves requests.

    Besides its own methods it has those of the providers (`Provider.arrange`), by the functions' names: ``add_vault`` of
    Microsoft.KeyVault, ``add_storage_account`` of Microsoft.Storage, and so on.

    Attributes:
        tenant: the tenant itself, for what the methods do not cover; hold ``tenant.lock`` while touching its data.

    """

    def __init__(self, tenant: Tenant, save: Callable[[], None]) -> None:
        """Arrange `tenant`, and call `save` after each change."""
        self.tenant = tenant
        self._save = save

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return what a provider arranges, as a method."""
        function = registry.arrangements().get(name)
        if function is None:
            raise AttributeError(f"no provider arranges {name!r}; there are {', '.join(registry.arrangements())}")
        return partial(function, self)

    def _done(self) -> None:
        self.tenant.changed()
        self._save()

    @contextmanager
    def arranging(self) -> Iterator[None]:
        """Hold the lock and save at the end; principals added in between are visible everywhere at once."""
        with self.tenant.lock:
            before = set(self.tenant.table("principals"))
            yield
            for object_id in self.tenant.table("principals").keys() - before:
                self.tenant.table("principals")[object_id].pop("countdown", None)
            self._done()

    # --- who

    def add_principal(self, app_id: str, name: str, object_id: str | None = None) -> str:
        """Add a service principal to the directory, without a way to log in; return its object id."""
        object_id = object_id or ids.guid("object", app_id)
        with self.arranging():
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
        with self.arranging():
            client = directory.add_application(self.tenant, name, graph)
        if found is not None:
            self.assign_role(scope, client.object_id, found.id)
        return environment.identity(client.app_id, client.secret)

    def disown(self) -> None:
        """Take from the usual service principal what it has without being given it: Owner of every subscription."""
        with self.tenant.lock:
            self.tenant.data["caller_owns"] = False
            self._done()

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

    # --- looking

    def resource(self, resource_id: str) -> Json | None:
        """Return a resource's document by id, without counting a read; None when there is none."""
        with self.tenant.lock:
            record = self.tenant.resource(resource_id)
            return None if record is None else dict(record["doc"])
