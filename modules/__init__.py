"""The modules a script loads with loadmodule, each under its OpenSIPS name."""
