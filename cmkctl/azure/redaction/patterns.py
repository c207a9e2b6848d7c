"""The patterns of secrets in any text: tokens, keys, signatures, and values after the name of a secret."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from urllib.parse import unquote

from cmkctl.azure.redaction.field_names import NAMES
from cmkctl.azure.redaction.replacements import CLIENT_ID, CUT, PUBLIC_APPLICATION_IDS, REDACTED, USER
from cmkctl.azure.redaction.tokens import TOKENS

_SHORTEST_SIGNATURE = 40  # c=, s= and h= of a polling URL have 43 characters and more, a redacted one has 25
_GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
IS_GUID = re.compile(_GUID)
EMAIL = re.compile(r"[\w.+#-]+@[\w-]+(?:\.[\w-]+)+")
# In JSON inside a string of other JSON, quotation marks come as \" and as \\\"; in a page as &quot;.
_MARK = r"\\*+[\"']|&quot;|&#(?:34|39|x27);|\\+u0022"
_BEGINS = r"(?:\b|(?<=\\[nrt]))"  # a line may be broken by an escape, whose letter is no part of the word behind it
_PEM = re.compile(
    r"-----BEGIN[ +][A-Z0-9 +]*PRIVATE[ +]KEY[A-Z +]*-----.*?(?:-----END[ +][A-Z0-9 +]*PRIVATE[ +]KEY[A-Z +]*-----|\Z)",
    re.DOTALL,
)
# The same in base64, and what is in it: PKCS #12, PKCS #8 and PKCS #1 begin like no certificate does.
_KEY_IN_BASE64 = re.compile(r"(?:LS0tLS1CRUdJTi|MII[\w+/]{2}[AQgw]IB(?:AzCC|ADAN|AAKC)|MIACAQMwg)[\w+/=-]{20,}")
_JWT = re.compile(_BEGINS + r"eyJ[\w-]{5,}(?:\.[\w-]*){1,4}")
# "Bearer authorization=…" is a challenge and "a Bearer token." is prose; neither is a secret.
_CREDENTIAL = re.compile(
    _BEGINS
    + r"(Bearer|PoP|Basic|SharedKey)(\s+)(?!\w+=[\"'h])(?!(?-i:[A-Z]?[a-z]{1,15})[.,;:'\")]*(?:\s|$))[\w.~+/:%=-]{6,}",
    re.IGNORECASE,
)
_NAMED = rf"(?:{NAMES})(?:{_MARK})?[ \t]{{0,8}}(?:=>|[=:])"
_QUOTED = re.compile(rf"({_NAMED}\s{{0,8}})({_MARK})(?:(?!(?<!\\)\2).|\2\2)*", re.IGNORECASE | re.DOTALL)
# Azure's settings in a list: {"name": "password", "value": "…"}, also as attributes of a page's form.
_QUOTED_BESIDE = re.compile(
    rf"((?:name|keyName|key|id)(?:{_MARK})?\s{{0,8}}[=:]\s{{0,8}}({_MARK})[\w .-]{{0,40}}?(?:{NAMES}|key[12])\2\s{{0,8}},?"
    rf"\s{{0,8}}(?:{_MARK})?value(?:{_MARK})?\s{{0,8}}[=:]\s{{0,8}}\2)(?:(?!(?<!\\)\2).)*",
    re.IGNORECASE | re.DOTALL,
)
# A value of a connection string may be in braces, and hold blanks: it ends where the next name begins.
_BARE = r"\{[^}\n]{0,200}\}|[^;&\n\"'<>\\]{1,200}?(?=;\s?[a-z][\w ]{0,40}=)|[^\s;&\"'<>\\]+"
_ASSIGNMENT = re.compile(
    rf"((?:{NAMES}) {{0,8}}= {{0,8}})(?!(?:true|false|null|none)(?![^\s;&\"'<>\\,)\]}}]))(?:{_BARE})", re.IGNORECASE
)
# "password: …" of a log, a header or YAML; but "password: must have" is prose.
_HEADING = re.compile(
    rf"((?:{NAMES})(?:{_MARK})?:[ \t]{{0,8}})(?!(?:true|false|null|none)\b)(?!(?-i:[A-Z]?[a-z]{{0,20}})[,;]? +(?-i:[a-z]))"
    r"[^\s;&\"'<>\\,\[\]{}]+",
    re.IGNORECASE,
)
# mysql -pSECRET, az login -u NAME -p SECRET; but mkdir -p and ssh -p take no secret.
_SHORT_OPTION = re.compile(
    r"(\b(?:login|sqlcmd|bcp|mysql\w*|mariadb\w*|sshpass|-u[ =]?\S+|--user(?:name)?[ =]\S+)\s(?:[^\n|;&]{0,200}?\s)?-[pP][ =]?)"
    r"(?:\"[^\"]*\"|'[^']*'|[^\s\"'-][^\s\"']*)",
)
_USER_AND_PASSWORD = re.compile(
    r"((?<![\w-])(?:-u|-U|--user|--proxy-user)[ =]?[\"']?[^\s:/\"']{1,100}:)(?!\d+\b)[^\s\"']+",
)
_OPTION = re.compile(
    rf"((?<![\w-])--(?=[a-z])[\w-]{{0,40}}?(?:{NAMES})[ \t]+)(?:\"[^\"]*\"|'[^']*'|[^\s\"']+)", re.IGNORECASE
)
# "the password is hunter2", "with the password 'hunter2'". A general remark about passwords does not contain one.
_GENERAL = (
    "not|no|too|very|also|only|now|still|never|always|already|invalid|valid|wrong|incorrect|correct|expired|required|missing|"
    "empty|"
    "set|unset|null|none|needed|used|stored|kept|read|shown|hidden|redacted|provided|given|sent|changed|rotated|reset|known|unknown|"
    "weak|strong|short|long|longer|shorter|case|case-sensitive|being|about|what|where|why|when|how|who|one|it|its|your|my|the|this|"
    "that|a|an|in|on|at|as|of|to|for|from|by|with|and|or|different|another|ok|true|false|optional|mandatory|allowed|disabled|enabled"
)
_SET_TO = r"\bpass(?:word|phrase|wd|code)\s+(?:is|was|are|equals|will be|has been set to|set to)\s*:?\s*"
_PROSE = re.compile(rf"({_SET_TO})(?!(?:{_GENERAL})\b|REDACTED)[^\s\"'`<>]{{3,}}[^\s\"'`<>.,;:!?)]", re.IGNORECASE)
_PROSE_QUOTED = re.compile(
    rf"((?:{_SET_TO}|\bpass(?:word|phrase|wd|code)\s+)([\"'`]))(?!REDACTED)[^\"'`\n]{{3,200}}(?=\2)", re.IGNORECASE
)
_PROSE_KEY = re.compile(
    r"(\b(?:secret|token|api[ -]?key|access[ -]?key|account[ -]?key|shared[ -]?key|sas)\s+(?:value\s+)?"
    r"(?:(?:is|was|equals)\s*:?\s*[\"'`]?|[\"'`]))"
    r"(?=[^\s\"'`<>]{0,100}\d)(?!https?:|/subscriptions/|REDACTED)[^\s\"'`<>]{12,}[^\s\"'`<>.,;:!?)]",
    re.IGNORECASE,
)
# A key as JSON that is not whole, or inside a text: the private members of a JSON web key, by RFC 7518.
_KEY_MEMBER = re.compile(
    rf"((?<!\\)(?:{_MARK}|[\"'])(?:d|p|q|dp|dq|qi|k)(?:{_MARK}|[\"'])\s{{0,8}}[:=]\s{{0,8}}(?:{_MARK}|[\"']))[\w+/=-]{{40,}}"
)
_COOKIE = re.compile(
    r"(\b(?:Set-)?Cookie2?[\"']?\s{0,4}[:=]\s{0,4}[\"']?)(?!REDACTED)[\w!#$%&'*+.^`|~-]{1,100}=[^\r\n\"]*",
    re.IGNORECASE,
)
_COOKIE_VALUE = re.compile(
    r"(\b(?:ESTS\w*|x-ms-RefreshTokenCredential|JSESSIONID|ARRAffinity\w*|session(?:id)?)=)[^\s;,\"']{8,}",
    re.IGNORECASE,
)
_OTHER_SCHEME = re.compile(
    r"(Authorization\W{1,6}(?:Token|Negotiate|NTLM|Digest|ApiKey|Hawk|SSWS|GoogleLogin|AWS4-HMAC-SHA256)\s+)(?:=\"[^\"]*\"|[^\r\n\"])+",
    re.IGNORECASE,
)
_PUTTY = re.compile(r"(Private-Lines: \d+\r?\n).*?(?=Private-MAC|\Z)", re.DOTALL)
_QUERY_KEY = re.compile(r"([?&](?:key|apikey|auth|sessionid|x-functions-key)=)[^&\s\"'#<>]{16,}", re.IGNORECASE)
_ELEMENT = re.compile(
    rf"((?:{NAMES})(?:\s[^<>]{{0,200}}(?<!/))?>\s{{0,40}})(?:<!\[CDATA\[.*?(?:\]\]>|\Z)|[^<]+)",
    re.IGNORECASE | re.DOTALL,
)
_SIGNATURE = re.compile(
    r"((?:(?<![\w-])sig|(?:[?&;]|\\u0026)sig)="
    rf"|(?:[?&;]|\\u0026)[csh]=(?=[^&\s]{{{_SHORTEST_SIGNATURE}}}|[^&\s{CUT}]{{8,}}{CUT})"
    r"|(?:^|[?&;]|\\u0026)(?:code|token)=(?=[^&\s]{20}))"
    rf"([^&\s\"'#<>;\\{CUT}]+)",
)
# A percent-encoded value in a URL or a form, which must be decoded before it can be recognised.
ENCODED = re.compile(r"(?<![\w.~!*()+/-])[\w.~!*()+/-]*+(?:%[0-9a-fA-F]{2}[\w.~!*()+/-]*+)+")
_USER_INFO = re.compile(r"(://)[^/@\s:\"'<>]*:[^/\s\"'<>]+@|(https?://)[^/@\s:\"'<>?#]+@", re.IGNORECASE)
_CALLER = re.compile(rf"(\bThe client '|\bappid=|\bclient_id=)({_GUID}|{EMAIL.pattern})", re.IGNORECASE)


def client_id(found: re.Match[str]) -> str:
    """Return the replacement of a client id; an application id published by Microsoft stays as it is."""
    return found[0] if found[0].lower() in PUBLIC_APPLICATION_IDS else CLIENT_ID


def _caller(found: re.Match[str]) -> str:
    return found[1] + (USER if "@" in found[2] else IS_GUID.sub(client_id, found[2]))


def _digest(found: re.Match[str]) -> str:
    # A digest instead of a fixed word, so that two operations keep two URLs. It reveals nothing, because a signature cannot
    # be guessed. Passwords can, and are never digested.
    if found[2].startswith(REDACTED):
        return found[0]
    return f"{found[1]}{REDACTED}-{hashlib.sha256(unquote(found[2]).encode()).hexdigest()[:16]}"


def _user_info(found: re.Match[str]) -> str:
    return f"{found[1] or found[2]}{REDACTED}@"


ARGUMENT = re.compile(rf"((?:{NAMES})=).+", re.IGNORECASE | re.DOTALL)
SHAPES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (_PEM, REDACTED),
    (_JWT, REDACTED),
    (_KEY_IN_BASE64, REDACTED),
    (_CREDENTIAL, rf"\1\2{REDACTED}"),
    (_SIGNATURE, _digest),
    (_USER_INFO, _user_info),
    (TOKENS, REDACTED),
    (_OTHER_SCHEME, rf"\1{REDACTED}"),
    (_COOKIE, rf"\1{REDACTED}"),
    (_COOKIE_VALUE, rf"\1{REDACTED}"),
    (_KEY_MEMBER, rf"\1{REDACTED}"),
    (_PUTTY, rf"\1{REDACTED}\n"),
    (_QUERY_KEY, rf"\1{REDACTED}"),
    (_SHORT_OPTION, rf"\1{REDACTED}"),
    (_USER_AND_PASSWORD, rf"\1{REDACTED}"),
    (_PROSE, rf"\1{REDACTED}"),
    (_PROSE_QUOTED, rf"\1{REDACTED}"),
    (_PROSE_KEY, rf"\1{REDACTED}"),
)
# Slow patterns, applied only to texts that contain the name of a secret.
NAMED_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (_QUOTED, rf"\1\2{REDACTED}"),
    (_QUOTED_BESIDE, rf"\1{REDACTED}"),
    (_ASSIGNMENT, rf"\1{REDACTED}"),
    (_HEADING, rf"\1{REDACTED}"),
    (_OPTION, rf"\1{REDACTED}"),
    (_ELEMENT, rf"\1{REDACTED}"),
)
IDENTITIES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = ((_CALLER, _caller),)
