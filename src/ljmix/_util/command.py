"""Commands of the package: what is wrong with an input is said in one sentence, without a traceback."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_sentence"]


@contextmanager
def one_sentence(parser: argparse.ArgumentParser) -> Iterator[None]:
    """End the program with the message of an error that its user can mend, and exit status 2."""
    try:
        yield
    except (ValueError, OSError, RuntimeError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
