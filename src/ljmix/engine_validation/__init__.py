"""Whether the engines are right: their runs against one another, against theory and against published numbers.

`systems` says what is simulated, `runs` simulates it with one engine and writes two tables, `statistics` has the
tests, `checks` turns the tables of all engines into one list of verdicts, `speed` measures steps a second.
The tables of both engines are shipped in ``data/validation/<engine>/``.
"""
