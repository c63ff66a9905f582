"""What a module may declare, and the registry that finds it."""
