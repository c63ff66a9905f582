"""A message as a script with textops leaves it."""
