"""Commands of the package: what is wrong with an input is said in one sentence, without a traceback."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["INTERRUPTED", "Interrupted", "hold_interrupts", "one_sentence", "way_on", "write_anywhere"]

INTERRUPTED = 130
"""Exit status of a command that Ctrl-C has ended: 128 and the number of the signal, as shells count."""


class Interrupted(KeyboardInterrupt):
    """Work was interrupted by its user; the message says what is kept and how it goes on.

    Notebooks show the sentence in place of the traceback, which would be of our code, not of an error.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"Interrupted: {self}"]


def write_anywhere() -> None:
    """Show a question mark for what the terminal has no letter for (σ in a Latin-1 one), instead of a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def one_sentence(parser: argparse.ArgumentParser, kept: str = "what is finished is kept") -> Iterator[None]:
    """End the program with the message of an error that its user can mend, and exit status 2.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Its name begins the sentence.
    kept : str
        What an interruption leaves.
    """
    write_anywhere()
    try:
        yield
    except (ValueError, OSError, RuntimeError) as error:
        if isinstance(error, BrokenPipeError):
            # Whoever read our output has had enough (`| head`): nothing is left to say, nor a place to say it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        parser.exit(2, f"{parser.prog}: {' '.join(str(error).split()) or type(error).__name__}\n")
    except MemoryError:
        parser.exit(2, f"{parser.prog}: memory is full\n")
    except KeyboardInterrupt as error:
        said = str(error) if isinstance(error, Interrupted) else f"{kept}; {way_on()} begins again"
        parser.exit(INTERRUPTED, f"\n{parser.prog}: interrupted; {said}\n")


def way_on(otherwise: str = "the same command") -> str:
    """Name what goes on after an interruption: the user's make command, where there is one."""
    command = os.environ.get("LJMIX_COMMAND")
    return f"`{command}`" if command else otherwise


@contextmanager
def hold_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back while worker processes are started; it comes when the block ends.

    A terminal sends it to all processes, and each worker would print a traceback. Children inherit what is held back,
    and never see it: their parent ends them.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
