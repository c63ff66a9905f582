"""Names that OpenSIPS 2.1 and 4.0 have, for hints and for counting what is still to come."""
