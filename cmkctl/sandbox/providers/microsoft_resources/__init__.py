"""Microsoft.Resources: subscriptions, resource providers, resource groups, deployments."""
