"""The environment that makes an Azure client use the sandbox, and how each shell sets it."""

import shlex
from pathlib import Path

from cmkctl.sandbox.core.constants import CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION_ID, TENANT_ID

SHELLS = ("sh", "fish", "powershell")


def variables(port: int, ca: Path) -> dict[str, str]:
    """Return the variables for a sandbox whose proxy listens on `port` and whose certificate is `ca`.

    Plain http goes to the proxy, too, which refuses it: nothing leaves the machine.
    """
    proxy = f"http://127.0.0.1:{port}"
    schemes = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
    trust = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
    return {
        **dict.fromkeys(schemes, proxy),
        **dict.fromkeys(trust, str(ca)),
        "NO_PROXY": "",
        "no_proxy": "",
        **identity(CLIENT_ID, CLIENT_SECRET),
    }


def identity(client_id: str, secret: str) -> dict[str, str]:
    """Return the variables of a service principal, as the Azure SDKs and as Terraform read them."""
    values = {
        "TENANT_ID": TENANT_ID,
        "CLIENT_ID": client_id,
        "CLIENT_SECRET": secret,
        "SUBSCRIPTION_ID": SUBSCRIPTION_ID,
    }
    return {f"{prefix}_{name}": value for prefix in ("AZURE", "ARM") for name, value in values.items()}


def lines(values: dict[str, str], shell: str) -> list[str]:
    """Return the lines that set the variables in a shell: one of `SHELLS`."""
    if shell == "fish":
        return [f"set -gx {name} {shlex.quote(value)}" for name, value in values.items()]
    if shell == "powershell":
        return [f"$env:{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in values.items()]
    return [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
