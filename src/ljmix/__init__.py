"""Structure of binary Lennard-Jones mixtures: simulate, measure, learn, explain.

Data flow in one direction: state point → simulation → structure → dataset → learning → explanation → figures.
"""

from importlib.metadata import version

__version__ = version("ljmix")
