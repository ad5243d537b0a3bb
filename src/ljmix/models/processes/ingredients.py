"""Settings of the Gaussian process: what physics is in it, and over what lengths curves change."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["Ingredients", "Scales"]


@dataclass(frozen=True)
class Ingredients:
    """Physics in the process; each is a question of the ablation.

    Attributes
    ----------
    cavity : bool
        Learn ln g + βu; otherwise g.
    scaled_distance : bool
        Compare curves at equal r/σ_ij; otherwise at equal r.
    packing : bool
        Packing and volume fraction among the inputs; otherwise C_B alone says how much B there is.
    coexistence : bool
        Two liquids where a regular solution separates: the level of g inside their domains among the inputs, and
        curves straight in its logarithm.
    slopes : bool
        Learn from ∂g/∂β too, where the dataset has it.
    down_weighting : bool
        Down-weight curves that have not settled, see `Scales.unsettled`, and leave their slopes out.
    sharing : bool
        Learn from other compositions; otherwise every composition is alone with its temperatures.
    theory : bool
        Learn the residual of ln y from Percus-Yevick at the estimated density; a state where that has no
        solution is neither learned from nor predicted. Needs `cavity`; left out unless asked for.
    """

    cavity: bool = True
    scaled_distance: bool = True
    packing: bool = True
    coexistence: bool = True
    slopes: bool = True
    down_weighting: bool = True
    sharing: bool = True
    theory: bool = False

    def __post_init__(self) -> None:
        if self.theory and not self.cavity:
            raise ValueError("theory needs cavity: the difference that is learned is one of ln y")

    def names(self) -> list[str]:
        """Names of the ingredients that are in."""
        return [field.name for field in fields(self) if getattr(self, field.name)]


@dataclass(frozen=True)
class Scales:
    """Lengths and strengths of the kernel: what is tuned. Variances are in units of the variance of a bin.

    Attributes
    ----------
    fraction, size, epsilon, packing, enrichment : float
        Lengths over which a curve changes: of the share of B, ln S, ε_AB, packing fraction, and the logarithm
        of the level of g inside domains.
    demixing : float
        Factor of the regular solution's χ.
    level : float
        Variance of the part that is straight in that logarithm.
    beta : float
        Length over which the slope in β changes.
    line, bend : float
        Variance of the straight and the curved part in β, for β one unit away.
    own, own_line, own_bend : float
        Variance of a composition's own constant, straight and curved part.
    misfit : float
        Variance of what the kernel cannot describe.
    unsettled : float
        Relative error of a curve that has not settled, beside its standard error, which tells nothing of its distance
        from equilibrium.
    """

    fraction: float = 0.3
    size: float = 0.5
    epsilon: float = 0.5
    packing: float = 0.1
    enrichment: float = 1.5
    demixing: float = 1.0
    level: float = 1.0
    beta: float = 0.7
    line: float = 0.5
    bend: float = 0.1
    own: float = 0.05
    own_line: float = 0.05
    own_bend: float = 0.005
    misfit: float = 0.001
    unsettled: float = 0.1
