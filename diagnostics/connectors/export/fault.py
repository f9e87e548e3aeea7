"""What is wrong with an export."""


class ExportFault(ValueError):
    """A file that cannot be read as rows: half a sentence, without the file's name and without how to export."""
