"""Statements of errors in the forms in which programs write them."""
