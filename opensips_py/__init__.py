"""OpenSIPS in Python: a SIP server that runs opensips.cfg."""

__version__ = "0.1.0"
