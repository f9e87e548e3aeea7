"""The installed program. A wheel has bot/, commands/ and diagnostics/ in this folder; a checkout has them beside it."""
