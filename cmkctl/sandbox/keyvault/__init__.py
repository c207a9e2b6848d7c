"""The data plane of Key Vault: what answers at ``https://NAME.vault.azure.net`` and its namesakes in the other clouds."""
