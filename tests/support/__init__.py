"""Helpers shared by the tests: sandboxes, clients, scripted transports, scenarios, expected output."""
