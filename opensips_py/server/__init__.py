"""Supervisor, workers, management process and generations."""
