"""What an Application Insights component costs: Terraform reads it and writes it back with every component it makes.

The values are those of the published examples (azure-rest-api-specs, Microsoft.Insights 2015-05-01,
``CurrentBillingFeaturesGet`` and ``CurrentBillingFeaturesUpdate``).
"""

from cmkctl.sandbox.core import resources, shapes
from cmkctl.sandbox.core.coverage import Area
from cmkctl.sandbox.core.messages import Call, Json, Reply
from cmkctl.sandbox.core.routing import Route
from cmkctl.sandbox.core.state import Tenant
from cmkctl.sandbox.providers import microsoft_insights

COVERAGE = Area(
    "Log Analytics, Application Insights",
    supported=("currentBillingFeatures of a component: GET, PUT (Terraform writes them back)",),
)

TYPE = "Microsoft.Insights/components/currentbillingfeatures"
VERSIONS = ("2015-05-01",)
DEFAULTS: Json = {
    "CurrentBillingFeatures": ["Basic"],
    "DataVolumeCap": {
        "Cap": 500,
        "MaxHistoryCap": 500,
        "ResetTime": 16,
        "WarningThreshold": 90,
        "StopSendNotificationWhenHitThreshold": False,
        "StopSendNotificationWhenHitCap": False,
    },
}
SHAPE = {
    "CurrentBillingFeatures": [("Basic", "Application Insights Enterprise")],
    "DataVolumeCap": {
        "Cap": float,
        "WarningThreshold": int,
        "StopSendNotificationWhenHitThreshold": bool,
        "StopSendNotificationWhenHitCap": bool,
        "ResetTime": shapes.IGNORED,
        "MaxHistoryCap": shapes.IGNORED,
    },
}


def get(tenant: Tenant, call: Call) -> Reply:
    """Answer a component's billing features, 200."""
    return Reply(200, _features(resources.existing(tenant, call, microsoft_insights.COMPONENTS)))


def put(tenant: Tenant, call: Call) -> Reply:
    """Change a component's billing features, 200; what the service sets itself stays as it is."""
    record = resources.existing(tenant, call, microsoft_insights.COMPONENTS)
    sent = shapes.accept(SHAPE, call.json(), call.api_version)
    record["billing"] = shapes.merge(
        _features(record), {name: value for name, value in sent.items() if value is not None}
    )
    tenant.changed()
    return Reply(200, record["billing"])


def _features(record: Json) -> Json:
    features: Json = record.get("billing") or DEFAULTS
    return features


_PATH = f"{microsoft_insights.COMPONENTS.path}/currentbillingfeatures"
ROUTES = (Route("GET", _PATH, get, TYPE, VERSIONS), Route("PUT", _PATH, put, TYPE, VERSIONS))
