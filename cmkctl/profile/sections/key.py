"""The customer-managed key and its rotation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from cmkctl.azure.ids import ResourceId
from cmkctl.profile import field_types
from cmkctl.profile.section import Contradiction, Section


class RotationPolicy(Section):
    """Automatic rotation by Key Vault. The workspace keeps its key version until it is pointed at the new one."""

    rotate_after: Annotated[str, field_types.Duration(7)] | None = Field(
        None,
        description="Make a new version this long after the last one; at least P7D. Not with rotate_before_expiry.",
        examples=["P1Y"],
    )
    rotate_before_expiry: Annotated[str, field_types.Duration(7)] | None = Field(
        None,
        description=(
            "Make a new version this long before the key expires; at least P7D. Needs expires_after and key.expires."
        ),
        examples=["P30D"],
    )
    notify_before_expiry: Annotated[str, field_types.Duration(7)] | None = Field(
        None,
        description=(
            "Send an event this long before the key expires; at least P7D. Needs expires_after and key.expires."
        ),
        examples=["P30D"],
    )
    expires_after: Annotated[str, field_types.Duration(28)] | None = Field(
        None,
        description="The lifetime of each new version, P28D to P100Y. An expired key stops the workspace.",
        examples=["P2Y"],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield what breaks Key Vault's rules about a rotation policy."""
        if not self.model_fields_set:
            yield Contradiction(
                "rotate_after",
                "The rotation policy is empty.",
                "Write rotation_policy.rotate_after: P1Y, or leave rotation_policy out.",
                missing=True,
            )
        if self.rotate_after and self.rotate_before_expiry:
            yield Contradiction(
                "rotate_before_expiry",
                "A policy rotates either some time after creation or some time before expiry, and this one does both.",
                "Keep one of rotate_after and rotate_before_expiry.",
            )
        yield from self._without_lifetime()
        yield from self._too_late()

    def _without_lifetime(self) -> Iterator[Contradiction]:
        for field in ("rotate_before_expiry", "notify_before_expiry"):
            if getattr(self, field) and not self.expires_after:
                yield Contradiction(
                    field,
                    "Key Vault counts back from an expiry, and the policy gives new versions none.",
                    "Write rotation_policy.expires_after: P2Y as well, or use rotate_after.",
                )

    def _too_late(self) -> Iterator[Contradiction]:
        for field in ("rotate_after", "rotate_before_expiry", "notify_before_expiry"):
            lead = getattr(self, field)
            if lead and self.expires_after and field_types.days(lead) > field_types.days(self.expires_after) - 7:
                yield Contradiction(
                    field,
                    f"It lies less than 7 days inside the lifetime of a version, expires_after {self.expires_after}; "
                    "Key Vault refuses that.",
                    f"Make {field} shorter or expires_after longer.",
                )


class KeySettings(Section):
    """The customer-managed key. cmkctl creates its first version through Resource Manager and never deletes it."""

    name: field_types.KeyName = Field(description="The key's name in the vault.", examples=["cmk-ml-prod"])
    type: Literal["RSA", "RSA-HSM"] = Field(
        "RSA",
        description="RSA is protected by software, RSA-HSM by hardware and needs a premium vault. Fixed at creation.",
        examples=["RSA"],
    )
    size: field_types.KeySize = Field(
        3072,
        description="The key's size in bits. Azure Machine Learning recommends 3072 or more. Fixed at creation.",
        examples=[3072],
    )
    version: field_types.KeyVersion | None = Field(
        None,
        description=(
            "The version of the key that the workspace gets, which has to exist: 32 hexadecimal digits. Left out: the "
            "latest version at creation. Either way the workspace keeps its version until it is pointed at another one."
        ),
        examples=["78deebed173b48e48f55abf87ed4cf71"],
    )
    not_before: field_types.Moment | None = Field(
        None,
        description=(
            "The moment from which the key is valid, written as in expires. It has to be in the past, or the workspace could "
            "not use the key."
        ),
        examples=["2026-01-31"],
    )
    expires: field_types.Moment | None = Field(
        None,
        description=(
            "The moment the key expires: a date (00:00 UTC) or a date and time with its zone. An expired key stops the "
            "workspace; once set, an expiry can be moved but not removed."
        ),
        examples=["2031-01-31"],
    )
    rotation_policy: RotationPolicy | None = Field(
        None,
        description="Automatic rotation by Key Vault. Left out: none.",
        examples=[{"rotate_after": "P1Y"}],
    )

    recover: bool = Field(
        False,
        description=(
            "Whether cmkctl recovers a soft-deleted key of this name. It goes through the vault's own endpoint, and needs the "
            "role Key Vault Crypto Officer or the key permissions get and recover there. False: Azure refuses the name."
        ),
        examples=[True],
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield the fields of a policy that count back from an expiry which the key lacks, and dates in the wrong order."""
        policy = self.rotation_policy
        for field in ("rotate_before_expiry", "notify_before_expiry"):
            if policy and getattr(policy, field) and self.expires is None:
                yield Contradiction(
                    f"rotation_policy.{field}",
                    "Key Vault counts back from the key's expiry, and the key has none.",
                    "Write key.expires as well, or use rotation_policy.rotate_after.",
                )

        if self.not_before is not None and self.expires is not None and self.expires <= self.not_before:
            yield Contradiction(
                "expires",
                "The key would expire before it is valid.",
                "Set key.expires to a later date than key.not_before.",
            )

    @property
    def resource_id(self) -> str:
        """The ARM id of the key, which is not its key identifier."""
        return str(ResourceId.parse(self.placement.key_vault).child("keys", self.name))
