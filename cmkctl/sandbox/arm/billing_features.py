"""What an Application Insights component costs: Terraform reads it and writes it back with every component it makes.

The values are those of the published examples (azure-rest-api-specs, Microsoft.Insights 2015-05-01,
``CurrentBillingFeaturesGet`` and ``CurrentBillingFeaturesUpdate``).
"""

from cmkctl.sandbox import shapes
from cmkctl.sandbox.arm import monitor, resources
from cmkctl.sandbox.coverage import Area
from cmkctl.sandbox.messages import Call, Json, Reply
from cmkctl.sandbox.routing import Route
from cmkctl.sandbox.state import Tenant

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
    return Reply(200, _features(resources.existing(tenant, call, monitor.COMPONENTS)))


def put(tenant: Tenant, call: Call) -> Reply:
    """Change a component's billing features, 200; what the service sets itself stays as it is."""
    record = resources.existing(tenant, call, monitor.COMPONENTS)
    sent = shapes.accept(SHAPE, call.json(), call.api_version)
    record["billing"] = shapes.merge(
        _features(record), {name: value for name, value in sent.items() if value is not None}
    )
    tenant.changed()
    return Reply(200, record["billing"])


def _features(record: Json) -> Json:
    features: Json = record.get("billing") or DEFAULTS
    return features


_PATH = f"{monitor.COMPONENTS.path}/currentbillingfeatures"
ROUTES = (Route("GET", _PATH, get, TYPE, VERSIONS), Route("PUT", _PATH, put, TYPE, VERSIONS))
