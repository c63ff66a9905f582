"""RFC 3261 section 17 as tables, and the layer that joins them to transports."""
