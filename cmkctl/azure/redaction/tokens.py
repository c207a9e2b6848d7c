"""Tokens and keys with a recognisable format: a prefix, a signature, a length.

Issuers mark them so that scanners find leaks. The formats are public; each line names the source.
"""

from __future__ import annotations

import re
from typing import Final

_ISSUED: Final[tuple[str, ...]] = (
    # https://github.blog/engineering/behind-githubs-new-authentication-token-formats/
    r"gh[pousr]_[A-Za-z0-9]{30,}",
    r"github_pat_[A-Za-z0-9_]{22,}",
    # https://docs.gitlab.com/security/tokens/#token-prefixes
    r"(?:glpat|gldt|glrt|glrtr|glptt|glcbt|glft|glimt|glagent|glsoat|glffct|gloas)-[\w.-]{20,}",
    r"GR1348941[\w-]{20}",
    # https://api.slack.com/authentication/token-types
    r"xox[abeoprs]-[A-Za-z0-9-]{10,}",
    r"xapp-\d-[A-Za-z0-9-]{10,}",
    r"https://hooks\.slack\.com/(?:services|workflows)/[\w/+-]{20,}",
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}",
    # https://cloud.google.com/docs/authentication/api-keys, and Google's OAuth tokens
    r"AIza[\w-]{35}",
    r"ya29\.[\w-]{20,}",
    r"GOCSPX-[\w-]{28}",
    # https://docs.npmjs.com/about-access-tokens, https://pypi.org/help/#apitoken
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-[\w-]{50,}",
    # https://docs.stripe.com/keys, https://docs.sendgrid.com, https://huggingface.co/docs/hub/security-tokens
    r"[rs]k_(?:live|test)_[A-Za-z0-9]{20,}",
    r"SG\.[\w-]{16,}\.[\w-]{30,}",
    r"hf_[A-Za-z0-9]{30,}",
    # OpenAI and Anthropic
    r"sk-(?:proj|svcacct|admin|ant)-[\w-]{20,}",
    r"sk-[A-Za-z0-9]{32,}",
    # HashiCorp Vault, Terraform Cloud, Databricks, DigitalOcean, Docker, Shopify, Atlassian, age
    r"hv[sbr]\.[\w-]{24,}",
    r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,}",
    r"dapi[0-9a-f]{32}(?:-\d)?",
    r"do[opr]_v1_[0-9a-f]{64}",
    r"dckr_(?:pat|oat)_[\w-]{27,}",
    r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    r"ATATT3[\w=-]{100,}",
    r"AGE-SECRET-KEY-1[A-Z0-9]{50,}",
    # Client secrets of Microsoft Entra: https://learn.microsoft.com/purview/sit-defn-azure-ad-client-secret
    r"[\w~.-]{3}[78]Q~[\w~.-]{31,34}",
    # Refresh tokens and authorization codes of Microsoft Entra and of Microsoft accounts
    r"[01]\.A[\w-]{20,}\.[\w-]{20,}[\w.-]*",
    r"M\.[CR]\d{1,4}_[A-Z0-9]{2,8}\.[\w!*$.-]{20,}",
    # Keys of Azure with a signature of their service: https://learn.microsoft.com/purview/sit-defn-azure-storage-account-key
    r"[A-Za-z0-9+/]{33,42}(?:AIoT|\+ASb|\+AEh|\+ARm|\+ACR)[A-Za-z0-9+/]{5,6}=?",
    r"[A-Za-z0-9+/]{76}(?:APIM|ACDb|\+ABa|\+AMC|\+ASt)[A-Za-z0-9+/]{5}[AQgw]==",
    r"[A-Za-z0-9]{42}AzSe[A-D][A-Za-z0-9]{5}",
    r"[\w-]{44}AzFu[\w-]{5}[AQgw]==",
    r"[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{26}",
    # Azure DevOps: https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate
    r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}",
    # Any key of 64 bytes in base64, as storage, Cosmos DB and Batch have them
    r"[A-Za-z0-9+/]{86}==",
)

TOKENS: Final = re.compile(rf"(?<![A-Za-z0-9_/+~.-])(?:{'|'.join(_ISSUED)})(?![A-Za-z0-9_])")
"""A token or key with a recognisable format, as a separate word: never part of an id, a path or a longer word."""
