"""Microsoft.KeyVault: vaults, access policies, keys, soft-deleted vaults."""
