"""Ask the surrogate with sliders: widgets in JupyterLab, and one page of HTML that needs nothing else."""
