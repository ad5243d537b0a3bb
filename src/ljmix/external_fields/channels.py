"""A long channel between striped walls: its field, its density by a functional, and simulations of a piece of it.

::

    python -m ljmix.external_fields.channels --results results/channel --output data/functional
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ljmix._util.arrays import FloatArray
from ljmix._util.atomic import replace_when_whole, require_writable
from ljmix._util.command import one_sentence
from ljmix._util.threads import cpu_seconds
from ljmix.external_fields.field_engines import FieldSystem, sample_field
from ljmix.external_fields.field_runs import TRIES, find_room
from ljmix.external_fields.fields import wall_potential
from ljmix.functional.grid import Grid
from ljmix.functional.model import Functional
from ljmix.functional.shipped import find_tables, load_functional

__all__ = [
    "BLOCKS", "CHANNEL", "CUT", "DEPTH", "ChannelField", "average_lines", "grand_potential",
    "read_channel", "run_channel",
    "solve_channel", "solve_cut",
]  # fmt: skip

DEPTH = 7.0
"""Edge of the simulated box along y, where nothing changes, σ."""
BLOCKS, INTERVAL = 10, 20
_CLOSEST = 0.3
"""Distance from a wall below which its potential does not rise further, σ: some 10⁴ ε, where no particle comes."""


@dataclass(frozen=True)
class ChannelField:
    """Two 9-3 walls across z, whose strength changes along x; the box is periodic.

    V(x, z) = s(x) [v(z) + v(H − z)] with v the 9-3 wall of strength 1, and s(x) strong on stripes and weak beside them.

    Parameters
    ----------
    length, width, height : float
        Edge of the box along x, distance of the walls, and edge of the box along z, σ.
    stripes : tuple of (float, float)
        Middle and width of each stripe along x, σ.
    strong, weak : float
        Strength on stripes and beside them, ε.
    softness : float
        Over which distance s changes, σ.

    Raises
    ------
    ValueError
        If the walls are thinner than the potential's range, or a stripe does not fit.
    """

    length: float
    width: float
    height: float
    stripes: tuple[tuple[float, float], ...]
    strong: float
    weak: float
    softness: float = 0.5

    def __post_init__(self) -> None:
        if not self.height - self.width >= 2.5:
            raise ValueError(f"height = {self.height:g}: must leave walls of at least 2.5 σ beside {self.width:g} σ")
        for middle, width in self.stripes:
            if not (width > 0 and width / 2 <= middle <= self.length - width / 2):
                raise ValueError(f"stripe of {width:g} σ at x = {middle:g}: must lie between 0 and {self.length:g}")

    def strength(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """s(x) and its slope."""
        s, slope = np.full_like(x, self.weak), np.zeros_like(x)
        for middle, width in self.stripes:
            # The nearest image: a stripe may be close to the end of the box.
            away = (x - middle + self.length / 2) % self.length - self.length / 2
            up, down = ((np.tanh((away - sign * width / 2) / self.softness)) for sign in (-1, 1))
            s += (self.strong - self.weak) / 2 * (up - down)
            slope += (self.strong - self.weak) / 2 / self.softness * (down**2 - up**2)
        return s, slope

    def _walls(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Both walls of strength 1, and their slope."""
        value, slope = np.zeros_like(z), np.zeros_like(z)
        low = (self.height - self.width) / 2
        for distance, sign in ((z - low, 1.0), (low + self.width - z, -1.0)):
            near = np.maximum(distance, _CLOSEST)
            value += wall_potential(near, 1.0)
            cube = (0.8 / near) ** 3
            slope += sign * np.where(distance > _CLOSEST, 1.5 * np.sqrt(3) * (3 * cube - 9 * cube**3) / near, 0.0)
        return value, slope

    def energy(self, x: FloatArray, z: FloatArray) -> FloatArray:
        """V(x, z), ε; x and z broadcast."""
        return np.asarray(self.strength(x)[0] * self._walls(z)[0])

    def force(self, places: FloatArray) -> FloatArray:
        """−∇V at (count, 3) places, ε/σ."""
        (s, s_slope), (v, v_slope) = self.strength(places[:, 0]), self._walls(places[:, 2])
        return np.stack([-s_slope * v, np.zeros_like(v), -s * v_slope], axis=1)

    def bins(self, spacing: float, temperature: float) -> FloatArray:
        """Field of square bins such that exp(−βV) is the bin's average along z, (x, z); see `bin_field`."""
        counts = [round(edge / spacing) for edge in (self.length, self.height)]
        node, weight = np.polynomial.legendre.leggauss(8)
        x = (np.arange(counts[0], dtype=np.float64) + 0.5) * spacing
        z = ((np.arange(counts[1])[:, None] + (node + 1) / 2) * spacing).ravel()
        energy = self.energy(x[:, None], z[None]).reshape(*counts, 8)
        lowest = energy.min(axis=2)
        average = np.exp(-(energy - lowest[..., None]) / temperature) @ (weight / 2)
        return np.asarray(lowest - temperature * np.log(average))


TEMPERATURE = 0.9
CHANNEL = ChannelField(100.0, 10.0, 12.8, ((9.4, 4.0), (30.4, 8.0), (55.4, 12.0), (84.4, 16.0)), 1.8, 0.3)
"""A hundred σ of weak walls with four stripes: from which width on does liquid bridge the channel?"""
CUT = ChannelField(28.0, 10.0, 12.8, ((14.0, 12.0),), 1.8, 0.3)
"""One of the stripes and half of the gaps beside it, small enough to simulate."""
_CUT_PARTICLES, _CUT_STEPS = 488, (20000, 24000)
_SPACING = 0.2


def _bridged(field: ChannelField, energy: FloatArray, spacing: float) -> FloatArray:
    """Liquid between the stripes and gas elsewhere."""
    x = (np.arange(energy.shape[0], dtype=np.float64) + 0.5) * spacing
    share = (field.strength(x)[0] - field.weak) / (field.strong - field.weak)
    return np.where(energy < 0, 0.03 + 0.67 * share[:, None], 1e-6)


def solve_cut(functional: Functional, spacing: float = _SPACING) -> tuple[FloatArray, float]:
    """Density of the piece that was simulated, for as many particles, (x, z); and its chemical potential, ε."""
    energy, grid = CUT.bins(spacing, functional.temperature), Grid((140, 64), spacing)
    rho = functional.profile(
        energy, n=_CUT_PARTICLES / DEPTH, spacing=spacing, start=_bridged(CUT, energy, spacing), mixing=0.08,
        tolerance=2e-5,
    )  # fmt: skip
    fullest = np.unravel_index(int(np.argmax(rho)), rho.shape)
    local = np.log(rho[fullest]) - functional.c1(rho, grid)[fullest]
    return rho, float(functional.temperature * local + energy[fullest])


def solve_channel(
    functional: Functional, field: ChannelField, mu: float, spacing: float = _SPACING, bridged: bool = True
) -> FloatArray:
    """Density of the fluid in a channel at a chemical potential, (x, z); 1/σ³.

    Parameters
    ----------
    functional : Functional
    field : ChannelField
    mu : float
        ε.
    spacing : float
        σ.
    bridged : bool
        Begin from liquid between all stripes, else from gas. Where both stay as they are, `grand_potential` tells which
        one is stable.
    """
    energy = field.bins(spacing, functional.temperature)
    start = _bridged(field, energy, spacing) if bridged else np.where(energy < 0, 0.03, 1e-6)
    return functional.profile(energy, mu=mu, spacing=spacing, start=start, mixing=0.08, tolerance=2e-5)


def grand_potential(
    functional: Functional, field: ChannelField, rho: FloatArray, mu: float, spacing: float = _SPACING
) -> float:
    """Grand potential of a density in a channel for each unit of its depth, F + ∫ρ (V − μ); ε/σ."""
    grid, energy = Grid(rho.shape, spacing), field.bins(spacing, functional.temperature)
    ideal = np.where(rho > 0, rho * (np.log(np.maximum(rho, 1e-300)) - 1), 0.0).sum() * grid.bin_volume
    free = functional.temperature * (float(ideal) + functional.excess_energy(rho, grid))
    return float(free + np.where(rho > 0, rho * (energy - mu), 0.0).sum() * grid.bin_volume)


def run_channel(
    field: ChannelField,
    temperature: float,
    rho: FloatArray,
    count: int,
    spacing: float,
    seed: int,
    equilibration: int,
    steps: int,
) -> FloatArray:
    """Simulate a channel at constant N and T, with LAMMPS on one core.

    Parameters
    ----------
    field : ChannelField
    temperature : float
        T*.
    rho : (x, z) array
        Density by which particles are placed.
    count : int
        How many there are.
    spacing : float
        Of its bins, σ.
    seed : int
    equilibration, steps : int

    Returns
    -------
    (BLOCKS, x, z) array
        Particles in each bin over its volume, 1/σ³.

    Raises
    ------
    ValueError
        If the steps do not fill the blocks.
    """
    if steps < 1 or steps % (INTERVAL * BLOCKS):
        raise ValueError(f"steps = {steps}: must be a positive multiple of {INTERVAL * BLOCKS}")
    grid, volume = Grid(rho.shape, spacing), spacing**2 * DEPTH
    edges = np.array([field.length, DEPTH, field.height])
    places = _place(rho, grid, count, edges, seed)
    counted, samples = np.zeros((BLOCKS, rho.size)), steps // INTERVAL
    system = FieldSystem(temperature, edges, places, field.force, seed)
    for sample, (x, _) in enumerate(sample_field(system, "lammps", equilibration, steps, INTERVAL)):
        across, along = ((x[:, axis] / spacing).astype(np.int64) for axis in (0, 2))
        index = np.minimum(across, rho.shape[0] - 1) * rho.shape[1] + np.minimum(along, rho.shape[1] - 1)
        counted[sample * BLOCKS // samples] += np.bincount(index, minlength=rho.size)
    return np.asarray(counted.reshape(BLOCKS, *rho.shape) / (samples / BLOCKS * volume))


def _place(rho: FloatArray, grid: Grid, count: int, edges: FloatArray, seed: int) -> FloatArray:
    """Places drawn from a density, with room for each."""
    rng = np.random.default_rng(seed)
    share = np.cumsum(rho.ravel()) / rho.sum()

    def propose() -> FloatArray:
        bins = np.minimum(np.searchsorted(share, rng.uniform(size=TRIES)), rho.size - 1)
        tries = rng.uniform(size=(TRIES, 3)) * edges
        tries[:, 0] = (bins // rho.shape[1] + rng.uniform(size=TRIES)) * grid.spacing
        tries[:, 2] = (bins % rho.shape[1] + rng.uniform(size=TRIES)) * grid.spacing
        return tries

    return find_room(propose, count, edges)


def simulate_cut(root: Path) -> list[tuple[FloatArray, float]]:
    """Simulate the piece twice, once from a bridge and once from particles spread over the channel; resumable.

    Returns
    -------
    list of (counted, cpu_seconds)
    """
    require_writable(root)
    energy = CUT.bins(_SPACING, TEMPERATURE)
    begins = {"bridge": _bridged(CUT, energy, _SPACING), "spread": np.where(energy < 0, 1.0, 0.0)}
    found = []
    for number, (name, rho) in enumerate(begins.items()):
        path = root / f"cut-{name}.npz"
        if not path.exists():
            measured: list[FloatArray] = []

            def measure(rho: FloatArray = rho, seed: int = 1001 + number, into: list[FloatArray] = measured) -> None:
                into.append(run_channel(CUT, TEMPERATURE, rho, _CUT_PARTICLES, _SPACING, seed, *_CUT_STEPS))

            seconds = cpu_seconds(measure)
            with replace_when_whole(path) as part:
                np.savez_compressed(part, counted=measured[0], seconds=seconds)
        with np.load(path) as file:
            found.append((file["counted"], float(file["seconds"])))
    return found


def _as_table(spacing: float, columns: dict[str, FloatArray]) -> pd.DataFrame:
    """One row a bin: `x`, `z` (middle, σ) and the columns, (x, z) each."""
    shape = next(iter(columns.values())).shape
    x, z = (((np.arange(count) + 0.5) * spacing).round(6) for count in shape)
    table = pd.DataFrame({"x": np.repeat(x, shape[1]), "z": np.tile(z, shape[0])})
    return table.assign(**{name: values.ravel() for name, values in columns.items()}).astype(np.float32)


def read_channel(name: str = "channel") -> pd.DataFrame:
    """Shipped tables, one row a bin of 0.2 σ: ``channel`` and ``cut``.

    Columns `x`, `z` and `rho` by the functional; the piece's also `start0` and `start1` by two simulations and `sem` of
    their mean, from blocks; all densities 1/σ³.
    """
    return pd.read_parquet(find_tables() / f"{name}.parquet")


def average_lines(cut: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Means of the piece along the channel, over the middle 4 σ of its height, and across the middle 6 σ of the bridge.

    Returns
    -------
    along, across : pandas.DataFrame
        `place` (x or z, σ), `learned`, `start0`, `start1` and `sem` of the mean of both starts; 1/σ³.
    """
    lines = []
    for axis, other, half in (("x", "z", 2.0), ("z", "x", 3.0)):
        near = cut[(cut[other] - (cut[other].min() + cut[other].max()) / 2).abs() < half]
        groups = near.assign(square=near["sem"] ** 2).groupby(axis)
        means = groups[["rho", "start0", "start1"]].mean().rename(columns={"rho": "learned"})
        means["sem"] = np.sqrt(groups["square"].sum()) / groups.size()
        lines.append(means.rename_axis("place").reset_index().astype(float))
    return lines[0], lines[1]


def main() -> None:
    """Solve for the channel, simulate the piece and write the tables from the command line."""
    parser = argparse.ArgumentParser(description="A fluid in a channel with striped walls; call again to go on.")
    parser.add_argument("--results", type=Path, default=Path("results/channel"), help="folder of the runs")
    parser.add_argument("--output", type=Path, default=Path("data/functional"), help="folder to write to")
    arguments = parser.parse_args()
    with one_sentence(parser):
        (first, first_seconds), (second, second_seconds) = simulate_cut(arguments.results)
        functional = load_functional(TEMPERATURE)
        cut, mu = solve_cut(functional)
        maps: list[FloatArray] = []
        seconds = cpu_seconds(lambda: maps.append(solve_channel(functional, CHANNEL, mu)))
        within = [run - run.mean(axis=0) for run in (first, second)]
        sem = np.sqrt((np.concatenate(within) ** 2).sum(axis=0) / (2 * BLOCKS - 2) / (2 * BLOCKS))
        columns = {"rho": cut, "start0": first.mean(axis=0), "start1": second.mean(axis=0), "sem": sem}
        for name, table in (("channel", {"rho": maps[0]}), ("cut", columns)):
            with replace_when_whole(arguments.output / f"{name}.parquet") as part:
                _as_table(_SPACING, table).to_parquet(part, index=False, compression="zstd")
        print(f"channel: {seconds:.0f} s at mu = {mu:.4f}; simulations {first_seconds:.0f} and {second_seconds:.0f} s")


if __name__ == "__main__":
    main()
