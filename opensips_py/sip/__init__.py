"""Bytes to messages and back (RFC 3261), without any I/O."""
