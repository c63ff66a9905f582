"""Raising events and subscribing to them."""
