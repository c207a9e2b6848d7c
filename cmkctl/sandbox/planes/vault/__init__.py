"""The data plane of Key Vault: what answers at ``https://NAME.vault.azure.net`` and its namesakes in the other clouds."""

from cmkctl.sandbox.core.coverage import Area

COVERAGE = Area(
    "Key Vault's data plane",
    supported=(
        "keys: create, import, get, list, versions, update, delete, recover, purge, rotate, rotation policy",
        "encrypt, decrypt, sign, verify, wrap, unwrap with real RSA and EC keys",
        "the 401 challenge; rights by access policy and by role; the vault's firewall; soft delete; pages",
        "empty lists of secrets and certificates, with the rights for them",
    ),
    differs=("pages are short, so that every client has to follow the link",),
    not_modelled=("backup and restore, release, attestation, BYOK; writing secrets and certificates; managed HSMs",),
)
