"""What OpenSIPS has, what of it is declared here, and which tests execute it through a real script."""
