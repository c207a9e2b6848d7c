"""The tenant as a deployment meets it: every read and write of it goes through the routes any client uses."""

import json
from dataclasses import dataclass
from typing import Any

from cmkctl.sandbox.core import errors, registry
from cmkctl.sandbox.core.callers import Caller
from cmkctl.sandbox.core.clouds import Service, locate
from cmkctl.sandbox.core.messages import Call, Reply
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.planes import request_checks


@dataclass(frozen=True)
class TenantFacade:
    """Sends requests on behalf of a deployment. They pass what any request passes, and are not in the request log.

    `host` is the one that got the deployment, so that it stays in its cloud; `caller` is the one who deploys: a
    template can do nothing that its deployer may not do.
    """

    tenant: Tenant
    host: str
    caller: Caller | None = None

    def send(self, method: str, path: str, version: str, body: Any = None) -> Reply:
        """Return the answer to one request.

        Raises:
            AzureError: the resource provider refuses.

        """
        return self._send(method, path, f"api-version={version}", body)

    def follow(self, url: str) -> Reply:
        """Return the answer at a poll URL, used verbatim.

        Raises:
            AzureError: the resource provider refuses.

        """
        path, _, query = url.partition(f"https://{self.host}")[2].partition("?")
        return self._send("GET", path, query, None)

    def _send(self, method: str, path: str, query: str, body: Any) -> Reply:
        cloud, _ = locate(self.host)
        content = b"" if body is None else json.dumps(body).encode()
        call = Call(method, self.host, path, query, {}, content, cloud, Service.ARM, caller=self.caller)
        route, call.params, _ = registry.arm_table().find(method, path)
        if route is None:
            raise errors.not_modelled(f"{method} {path}")
        request_checks.check(self.tenant, call, route)
        return route.handler(self.tenant, call)


def newest_version(resource_type: str) -> str:
    """Return the newest stable api-version the sandbox models of a type; empty when it models none."""
    known = sorted(registry.versions().get(resource_type.lower(), ()))
    stable = [version for version in known if "preview" not in version]
    return (stable or known or [""])[-1]
