"""Tables in Markdown. pandas' own asks for another package and pads cells, so that one number moves a whole table."""

from collections.abc import Iterable, Sequence

__all__ = ["markdown_table"]


def markdown_table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Write a table; cells are shown as `str` does.

    Parameters
    ----------
    header : sequence
        Names of the columns.
    rows : iterable of sequences

    Returns
    -------
    str
        Without a line feed at the end.
    """
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (header, ["---"] * len(header), *rows))
