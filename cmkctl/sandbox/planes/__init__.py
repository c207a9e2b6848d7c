"""The services behind each kind of host: login, Graph, vaults, and the checks in front of every ARM request."""
