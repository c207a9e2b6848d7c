"""microsoft.insights: Application Insights components, and diagnostic settings of any resource."""

from cmkctl.sandbox.core.provider import Provider
from cmkctl.sandbox.providers.microsoft_insights import components, diagnostic_settings

PROVIDER = Provider(
    namespace="microsoft.insights",
    coverage=(components.COVERAGE, diagnostic_settings.COVERAGE),
    routes=(*components.ROUTES, *diagnostic_settings.ROUTES),
    arrange=(components.add_component,),
    tables={diagnostic_settings.TABLE: dict},
)
