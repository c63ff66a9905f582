"""Sockets, connections and where messages go (RFC 3261 18, RFC 3263)."""
