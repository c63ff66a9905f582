"""Management commands: binding and dispatch."""
