"""What workers share: slots, identifiers, memory words, LMDB environments."""
