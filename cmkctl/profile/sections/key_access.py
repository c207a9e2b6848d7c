"""The grant on the key."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cmkctl.profile import field_types
from cmkctl.profile.section import Section


class KeyAccessSettings(Section):
    """The grant that lets the services behind the workspace use the key."""

    cosmos_db_object_id: field_types.ObjectId | None = Field(
        None,
        description=(
            "The object id of Azure Cosmos DB's service principal in your tenant, for an operator who may not read the "
            "directory: az ad sp show --id APPLICATION_ID --query id. Left out: cmkctl looks it up. Never the "
            "application id."
        ),
        examples=["${COSMOS_DB_OBJECT_ID}"],
    )
    scope: Literal["vault", "key"] = Field(
        "vault",
        description=(
            "The scope of the role in a vault with roles: vault, as in Microsoft's procedure, or key, which leaves the other "
            "keys of the vault out. A vault with access policies knows only the vault."
        ),
        examples=["key"],
    )
    create_service_principal: bool = Field(
        True,
        description="Whether cmkctl may create Azure Cosmos DB's service principal when the tenant has none yet.",
        examples=[False],
    )
    settle_seconds: int = Field(
        0,
        ge=0,
        le=900,
        description=(
            "How old, in seconds, a grant has to be before the workspace's creation is sent. Azure confirms a role some "
            "time before it takes effect, mostly within a minute or two, and does not report when; a creation that "
            "comes too early fails, and is sent again only after ten minutes."
        ),
        examples=[75],
    )
