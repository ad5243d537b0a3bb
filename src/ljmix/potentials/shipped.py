"""The frames that are shipped: what is in them, how they are made, and where they lie."""

from __future__ import annotations

from pathlib import Path

from ljmix._util.provenance import describe_provenance
from ljmix.potentials.frames import Frame, read_frames, sample_frames, select, write_frames
from ljmix.potentials.worlds import WORLDS, load_world
from ljmix.state import StatePoint

__all__ = ["HOT", "MIXTURE", "TESTS", "TRAINING", "draw_training", "label_of", "load_frames", "write_shipped"]

FOLDER = Path(__file__).resolve().parents[3] / "data" / "potentials"

MIXTURE = StatePoint(1.0, 0.35, 0.5, 0.6)
"""The mixture that everything is about, at the composition that no fit sees."""
HOT = StatePoint(1.4, 0.35, 0.5, 0.6)
"""The same, hotter than any fit sees."""
TRAINING = (0.1, 0.5)
"""C_B of the frames that fits see."""
TESTS: dict[str, tuple[StatePoint, ...]] = {
    "lennard-jones": (
        MIXTURE, StatePoint(1.0, 0.2, 0.5, 0.6), StatePoint(1.0, 0.8, 0.5, 0.6), StatePoint(0.8, 0.35, 0.5, 0.6),
        HOT, StatePoint(1.0, 0.35, 0.6, 0.6), StatePoint(1.0, 0.35, 1.0, 0.6),
    ),
    "three-body": (MIXTURE, StatePoint(1.0, 0.2, 0.5, 0.6), HOT),
}  # fmt: skip
"""States of the test frames: unseen compositions, temperatures and size ratios."""
_N_TRAINING, _N_TEST = {"lennard-jones": 30, "three-body": 30}, 4


def label_of(state: StatePoint, training: bool = False) -> str:
    """Label of the frames of a state."""
    return ("train " if training else "test ") + state.state_id


def training_state(fraction_b: float) -> StatePoint:
    """State of the training frames of a composition."""
    return StatePoint(MIXTURE.temperature, fraction_b, MIXTURE.size_ratio, MIXTURE.epsilon_ab)


def write_shipped(world: str, folder: Path = FOLDER) -> Path:
    """Simulate the shipped frames of a world, half a minute, and write their table."""
    frames: list[Frame] = []
    for fraction_b in TRAINING:
        state = training_state(fraction_b)
        frames += sample_frames(
            state, _N_TRAINING[world], load_world(world, state), label=label_of(state, True), replica=1
        )
    for state in TESTS[world]:
        frames += sample_frames(state, _N_TEST, load_world(world, state), label=label_of(state), replica=2)
    path = folder / f"{world}.npz"
    write_frames(frames, path, describe_provenance("potentials", world=world))
    return path


def load_frames(world: str, folder: Path = FOLDER) -> list[Frame]:
    """Load the shipped frames of a world.

    Raises
    ------
    ValueError
        If the world is unknown.
    FileNotFoundError
        If the frames are not there: they are shipped with the repository, not with the wheel.
    """
    if world not in WORLDS:
        raise ValueError(f"world = {world!r} is unknown; choose one of {', '.join(WORLDS)}")
    path = folder / f"{world}.npz"
    if not path.exists():
        raise FileNotFoundError(
            f"{path} does not exist; frames come with a clone of the repository, or from "
            f"ljmix.potentials.shipped.write_shipped({world!r})"
        )
    return read_frames(path)


def draw_training(
    frames: list[Frame], draw: int, n_frames: int, fractions: tuple[float, ...] = TRAINING
) -> list[Frame]:
    """Frames of one draw: as many of each composition (the last ones get the odd frame), other ones in every draw.

    Raises
    ------
    ValueError
        If so many draws are not there.
    """
    chosen: list[Frame] = []
    for place, fraction in enumerate(reversed(fractions)):
        share = n_frames // len(fractions) + (place < n_frames % len(fractions))
        pool = select(frames, label_of(training_state(fraction), True))
        first = draw * share
        if first + share > len(pool):
            raise ValueError(f"draw = {draw}: {len(pool)} frames of C_B {fraction:g} give {len(pool) // share} draws")
        chosen += pool[first : first + share]
    return chosen
