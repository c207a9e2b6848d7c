"""``customerManagedKeyStatus`` in the published words."""

from cmkctl.sandbox.core import key_loss

CONFIRMED = "Access to the configured customer managed key confirmed."
_REVOKED = (
    "Access to your account is currently revoked because {cause}; for more details about this error and how to restore access to "
    "your account please visit https://learn.microsoft.com/en-us/azure/cosmos-db/cmk-troubleshooting-guide{place}."
)
STATUS = {
    "": CONFIRMED,
    key_loss.NO_VAULT: _REVOKED.format(
        cause="the correspondent Azure Key Vault was not found", place="#azure-key-vault-resource-not-found (4017)"
    ),
    key_loss.NO_KEY: _REVOKED.format(
        cause="the correspondent key is not found on the specified Key Vault",
        place="#azure-key-vault-resource-not-found (4003)",
    ),
    key_loss.NO_GRANT: _REVOKED.format(
        cause="the current default identity no longer has permission to the associated Key Vault key",
        place="#default-identity-is-unauthorized-to-access-the-azure-key-vault-key (4002)",
    ),
    key_loss.DISABLED: _REVOKED.format(cause="the correspondent key is either disabled or expired", place=" (4018)"),
}
"""``customerManagedKeyStatus``, by why the key is lost: the published values of the property.

The one about a disabled key is not among them: its cause and number are from a public report of the data plane.
"""
