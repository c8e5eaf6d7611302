"""What is written into the cells of a CSV file."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a text begins with that a spreadsheet would take for a formula."""


def csv_cell(value: object) -> str:
    """Unknown is empty, true and false in words, numbers the shortest that read back the same. Text that a spreadsheet
    would take for a formula gets a leading apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return repr(value)
