"""The formats in which PowerShell writes objects, read into rows: one module a format, and what the rows are."""
