"""One module an attack."""
