# Two commands: `make all` draws every figure, `make test` checks everything. `make` lists the rest.
#
# Targets are files. A step's target is its executed notebook in results/<profile>/; the tables, models and
# metrics that the notebook writes lie beside it.

# The profile whose figures and numbers the repository shows.
PUBLISHED := reference

PROFILE ?= $(PUBLISHED)
ENGINE  ?= auto
DEVICE  ?= auto
# Of each network one seed is fitted anew, or all.
REFIT   ?= one

# What is misspelt is told before anything is written.
PROFILES := $(patsubst src/ljmix/simulation/profiles/%.toml,%,$(wildcard src/ljmix/simulation/profiles/*.toml))
ifneq ($(words $(PROFILE)) $(filter $(PROFILES),$(PROFILE)),1 $(PROFILE))
$(error PROFILE = '$(PROFILE)' is unknown; choose one of $(PROFILES))
endif
ifneq ($(words $(ENGINE)) $(filter auto hoomd lammps,$(ENGINE)),1 $(ENGINE))
$(error ENGINE = '$(ENGINE)' is unknown; choose one of auto hoomd lammps)
endif
ifneq ($(words $(DEVICE)) $(filter auto cpu gpu gpu:%,$(DEVICE)),1 $(DEVICE))
$(error DEVICE = '$(DEVICE)' is unknown; choose one of auto cpu gpu gpu:<index>)
endif
ifneq ($(words $(REFIT)) $(filter one all,$(REFIT)),1 $(REFIT))
$(error REFIT = '$(REFIT)' is unknown; choose one of one all)
endif

RESULTS := results/$(PROFILE)
# Where the repository ships a profile's dataset, `all` repeats a few of its states, from other starts, and checks
# the shipped ones against them; elsewhere it simulates all states.
SHIPPED := $(wildcard data/$(PROFILE)/states.parquet)
# Figures of another profile stay with its results.
FIGURES := $(if $(filter $(PUBLISHED),$(PROFILE)),figures,$(RESULTS)/figures)
REPORT  := $(if $(filter $(PUBLISHED),$(PROFILE)),README.md docs/results.md)

# An active conda environment that has HOOMD-blue is used as it is; everywhere else a .venv of our own.
CONDA_HOOMD := $(if $(CONDA_PREFIX),$(shell $(CONDA_PREFIX)/bin/python -c 'import hoomd' 2>/dev/null && echo yes))
ifeq ($(CONDA_HOOMD),yes)
PYTHON    := $(CONDA_PREFIX)/bin/python
INSTALLED := $(CONDA_PREFIX)/.ljmix-installed
else
PYTHON    := .venv/bin/python
INSTALLED := .venv/.ljmix-installed
endif

# What runs is the code of this clone, whichever one PYTHONPATH names, or an environment was made for.
export PYTHONPATH := $(CURDIR)/src$(if $(value PYTHONPATH),:$(value PYTHONPATH))

# Git is asked about this clone, though a hook of another repository may have called make.
unexport GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

# What goes on after Ctrl-C, to be named in the sentence that says so.
export LJMIX_COMMAND := $(strip make $(MAKECMDGOALS) $(MAKEOVERRIDES))

RUN := $(PYTHON) -m ljmix._util.notebooks

# What each step is made of: the rooms of the package it calls.
# tests/test_makefile.py compares them with what the notebooks import.
room      = $(wildcard $(1:%=src/ljmix/%/*.py))
CORE     := $(addprefix src/ljmix/,__init__.py state.py potential.py configuration.py) $(call room,_util) \
            $(addprefix src/ljmix/report/,__init__.py metrics.py)
SIMULATE := $(CORE) $(call room,structure simulation simulation/engines) $(addprefix src/ljmix/theory/,__init__.py density.py) \
            $(wildcard src/ljmix/simulation/profiles/$(PROFILE).toml)
TABLES   := $(SIMULATE) $(call room,properties data) $(SHIPPED)
LEARN    := $(TABLES) $(call room,theory models models/networks models/processes scoring surrogate surrogate/learned evaluation) src/ljmix/models/tuned.json \
            $(addprefix src/ljmix/report/,lead.py names.py published.py readme.py)
PLOT     := $(call room,plotting plotting/models plotting/physics) $(addprefix src/ljmix/,plotting/ljmix.mplstyle report/names.py \
            scoring/__init__.py scoring/groups.py) \
            $(addprefix src/ljmix/theory/,__init__.py cavity.py coexistence.py density.py)
ASK      := $(LEARN) $(call room,release surrogate_scores report)
EXPLAIN  := $(LEARN) $(call room,report explanation) $(PLOT)

NOTEBOOKS := 00-one-mixture 01-simulate 02-rdf 03-extrapolate 04-data-scaling 05-explain 06-validate 08-thermodynamics 09-learned-potential 10-density-functional

.PHONY: help all everything data models figures validate thermodynamics functional potentials surrogate verify moves docs lock lab test lowest chaos slurm doctor lint install clean FORCE
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PRECIOUS: README.md docs/results.md $(RESULTS)/surrogate/scores.json

help: ## list every target
	@echo "make TARGET [PROFILE=smoke|quick|reference|equilibrium|paper] [ENGINE=auto|hoomd|lammps] [DEVICE=auto|cpu|gpu]"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

all: $(NOTEBOOKS:%=$(RESULTS)/%.ipynb) $(REPORT) ## run the whole chain and draw every figure
	@$(if $(REPORT),$(PYTHON) -m ljmix.report.verify,echo "$(words $(NOTEBOOKS)) notebooks are up to date in $(RESULTS)")

everything: ## the same with every seed of every network fitted anew, none taken as shipped; hours
	@$(MAKE) --no-print-directory all REFIT=all

data: $(INSTALLED) ## simulate all states of the profile and write the tables; resumable
	$(PYTHON) -m ljmix.simulation.campaign --profile $(PROFILE) --engine $(ENGINE) --device $(DEVICE)
	$(PYTHON) -m ljmix.data.collect --profile $(PROFILE)

models: $(RESULTS)/03-extrapolate.ipynb $(RESULTS)/04-data-scaling.ipynb ## train and compare the models

figures: $(RESULTS)/05-explain.ipynb $(REPORT) ## explain the models and draw figures 1 to 7

# A step whose tables or figures were deleted is due again, though its executed notebook is there.
wrote = $(addprefix $(RESULTS)/,$(shell cat $(RESULTS)/$(1).outputs 2>/dev/null))
LOST := $(strip $(foreach step,$(NOTEBOOKS),$(if $(filter-out $(wildcard $(call wrote,$(step))),$(call wrote,$(step))),$(step))))
ifneq ($(LOST),)
$(LOST:%=$(RESULTS)/%.ipynb): FORCE
endif

# Not a file, but changes what is simulated: rewritten only where it differs, so that nothing runs again for nothing.
$(RESULTS)/.choice: FORCE
	@mkdir -p $(@D)
	@echo '$(ENGINE) $(DEVICE)' | cmp -s - $@ || echo '$(ENGINE) $(DEVICE)' > $@

# A run of seconds, at the size of quick whatever the profile.
$(RESULTS)/00-one-mixture.ipynb: notebooks/00-one-mixture.ipynb $(LEARN) $(PLOT) $(wildcard data/models/*/*) \
    $(RESULTS)/.choice | $(INSTALLED)
	@$(RUN) $< $@ profile=$(if $(filter smoke,$(PROFILE)),smoke,quick) engine=$(ENGINE) device=$(DEVICE) results=../$(RESULTS) --inputs $^

$(RESULTS)/01-simulate.ipynb: notebooks/01-simulate.ipynb $(TABLES) $(PLOT) $(RESULTS)/.choice | $(INSTALLED)
	@$(RUN) $< $@ profile=$(PROFILE) engine=$(ENGINE) device=$(DEVICE) --inputs $^

$(RESULTS)/02-rdf.ipynb: notebooks/02-rdf.ipynb $(TABLES) $(PLOT) $(RESULTS)/01-simulate.ipynb
	@$(RUN) $< $@ profile=$(PROFILE) --inputs $^

# The networks of other seeds are shipped: a change of these makes the step due.
FITS := $(wildcard $(addprefix data/$(PROFILE)/predictions/,networks.parquet scaling-fits.parquet))

$(RESULTS)/03-extrapolate.ipynb: notebooks/03-extrapolate.ipynb $(LEARN) $(PLOT) $(RESULTS)/02-rdf.ipynb $(FITS)
	@$(RUN) $< $@ profile=$(PROFILE) refit=$(REFIT) --inputs $^

$(RESULTS)/04-data-scaling.ipynb: notebooks/04-data-scaling.ipynb $(LEARN) $(PLOT) $(RESULTS)/02-rdf.ipynb \
    $(RESULTS)/03-extrapolate.ipynb $(FITS)
	@$(RUN) $< $@ profile=$(PROFILE) refit=$(REFIT) --inputs $^

$(RESULTS)/05-explain.ipynb: notebooks/05-explain.ipynb $(EXPLAIN) \
    $(addprefix $(RESULTS)/,03-extrapolate.ipynb 04-data-scaling.ipynb 06-validate.ipynb 08-thermodynamics.ipynb 09-learned-potential.ipynb 10-density-functional.ipynb)
	@$(RUN) $< $@ profile=$(PROFILE) figures=../$(FIGURES) --inputs $^

# One command writes both pages, the second one last.
$(firstword $(REPORT)): $(RESULTS)/05-explain.ipynb
	$(PYTHON) -m ljmix.report.readme $(RESULTS)/metrics.json

docs/results.md: README.md ;

# Are the engines right? On tables in data/validation, whatever the profile.
validate: $(RESULTS)/06-validate.ipynb ## compare engines with one another and with theory, on the shipped tables

$(RESULTS)/06-validate.ipynb: notebooks/06-validate.ipynb $(TABLES) $(PLOT) $(call room,engine_validation) \
    $(wildcard data/validation/*/*.parquet) | $(INSTALLED)
	@$(RUN) $< $@ profile=$(PROFILE) figures=../$(FIGURES) --inputs $^

# What do the curves say about thermodynamics? On the shipped tables, whatever the profile.
thermodynamics: $(RESULTS)/08-thermodynamics.ipynb ## activities, free energies, transport, and whether all routes agree

$(RESULTS)/08-thermodynamics.ipynb: notebooks/08-thermodynamics.ipynb $(TABLES) $(PLOT) \
    $(call room,theory release thermodynamics) $(wildcard data/thermodynamics/*.parquet data/thermodynamics/mixtures/* data/parts/*.npz) | $(INSTALLED)
	@$(RUN) $< $@ profile=$(PROFILE) figures=../$(FIGURES) --inputs $^

# From shipped profiles and weights, whatever the profile.
functional: $(RESULTS)/10-density-functional.ipynb ## predict profiles, pressures and coexistence by a functional that was learned

$(RESULTS)/10-density-functional.ipynb: notebooks/10-density-functional.ipynb $(TABLES) $(PLOT) $(call room,functional external_fields fluid_functional mixture_functional theory release) \
    $(wildcard data/functional/*) | $(INSTALLED)
	@$(RUN) $< $@ profile=$(PROFILE) figures=../$(FIGURES) --inputs $^

# From shipped frames and tables, whatever the profile.
$(RESULTS)/09-learned-potential.ipynb: notebooks/09-learned-potential.ipynb $(TABLES) $(PLOT) $(call room,potentials) \
    $(wildcard data/potentials/*.npz data/potentials/*.parquet) | $(INSTALLED)
	@$(RUN) $< $@ profile=$(PROFILE) figures=../$(FIGURES) --inputs $^

# Not part of `all`: none is shipped yet. Trained on the shipped dataset, whatever the profile; stopped, it goes on.
surrogate: $(RESULTS)/07-surrogate.ipynb $(RESULTS)/explorer.html ## train a surrogate, measure it, and ask it; a quarter of an hour, resumable

$(RESULTS)/surrogate/scores.json: $(ASK) $(wildcard data/reference/*.parquet) | $(INSTALLED)
	$(PYTHON) -m ljmix.surrogate_scores.run --output $(@D) --measures quick
	@touch $@

$(RESULTS)/explorer.html: $(RESULTS)/surrogate/scores.json $(call room,explorer) src/ljmix/explorer/page.html
	$(PYTHON) -m ljmix.explorer.page --surrogate $(RESULTS)/surrogate --output $@

$(RESULTS)/07-surrogate.ipynb: notebooks/07-surrogate.ipynb $(ASK) $(PLOT) $(RESULTS)/surrogate/scores.json | $(INSTALLED)
	@$(RUN) $< $@ profile=$(PROFILE) --inputs $^

potentials: $(INSTALLED) ## make the long runs behind 09-learned-potential anew; an hour, resumable
	$(PYTHON) -m ljmix.potentials.campaign

moves: $(INSTALLED) ## compare runs with Monte Carlo moves with plain ones; two core-hours, resumable
	$(PYTHON) -m ljmix.engine_validation.moves --engine $(ENGINE) --device $(DEVICE)

verify: $(INSTALLED) ## compare the numbers and figures in this clone with the published ones
	$(PYTHON) -m ljmix.report.verify

# With the notebooks that `all` has executed, where it has; it runs none itself.
docs: $(INSTALLED).docs ## build the documentation site into results/site
	$(PYTHON) docs/build.py

# What the extra `docs` names and nothing else: in a conda environment pip leaves all other packages alone.
$(INSTALLED).docs: $(INSTALLED) pyproject.toml
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["docs"], sep="\n")' \
	    | $(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement /dev/stdin
	touch $@

install: $(INSTALLED) ## set up the Python environment (all other targets do it by themselves)

# The tested versions where wheels of them exist for this Python and system, else what the bounds allow.
LOCKED := $(if $(filter Linux,$(shell uname -s)),--constraint requirements.lock)

# An environment whose Python is gone (the system's was upgraded, the clone was moved) is made anew, and one that was
# copied with its clone: its commands still belong to the other.
ifneq ($(wildcard .venv/.ljmix-installed),)
ifneq ($(shell env -u PYTHONPATH .venv/bin/python -c 'import ljmix, os; print(os.path.samefile(ljmix.__path__[0], "src/ljmix"))' 2> /dev/null),True)
FOREIGN := yes
.PHONY: .venv/.ljmix-installed
endif
endif

.venv/.ljmix-installed: pyproject.toml requirements.lock
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "python3 is " + sys.version.split()[0] + "; 3.11 or newer is needed")'
	$(if $(FOREIGN),false,.venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null) || python3 -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check $(LOCKED) --editable '.[test]'
	touch $@

ifeq ($(CONDA_HOOMD),yes)
$(INSTALLED): pyproject.toml environment.yml
	$(PYTHON) -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@
endif

lock: $(INSTALLED) ## write the versions at hand into requirements.lock
	sed -n '/^#/p' requirements.lock > .requirements.lock
	$(PYTHON) -m pip freeze --disable-pip-version-check --exclude-editable | grep -v '^ljmix' >> .requirements.lock
	mv .requirements.lock requirements.lock

# Options for JupyterLab, for instance LAB=--allow-root.
LAB ?=

lab: $(INSTALLED) ## open JupyterLab on copies of the notebooks in results/play, made to change
	@test "$$(id -u)" != 0 || case ' $(LAB) ' in *' --allow-root '*) ;; *) \
	    echo 'make lab: JupyterLab does not run as root; be another user, or type make lab LAB=--allow-root' >&2; exit 2;; esac
	$(PYTHON) -m ljmix._util.play notebooks results/play
	JUPYTER_PREFER_ENV_PATH=1 $(PYTHON) -m jupyterlab $(LAB) --ServerApp.root_dir=. results/play/00-one-mixture.ipynb

test: $(INSTALLED) lint ## lint, type-check and run all tests
	$(PYTHON) -m pytest --numprocesses auto --dist loadfile

# In an environment of its own. What this runs is what the bounds in pyproject.toml promise.
lowest: $(INSTALLED) ## run all tests with the oldest versions that the bounds allow
	$(PYTHON) -m pip install --quiet --disable-pip-version-check uv
	$(PYTHON) -m uv venv --quiet --clear --seed --python $(PYTHON) .venv-lowest
	$(PYTHON) -m uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --editable '.[test]'
	.venv-lowest/bin/python -m pytest $(TESTS)

# 200 kills take about an hour on two cores.
KILLS ?= 200

chaos: $(INSTALLED) ## kill a campaign at random KILLS=200 times, and compare its tables with an undisturbed one's
	$(PYTHON) -m tests.disturbed.chaos --kills $(KILLS)

slurm: $(INSTALLED) ## run a campaign on a SLURM of one node, started for it, and cancel jobs at random; as root
	$(PYTHON) -m pip install --quiet --disable-pip-version-check dask-jobqueue
	$(PYTHON) -m tests.disturbed.slurm

doctor: ## say what works here, what does not and what to do; also what a report of a fault needs
	@test -x $(PYTHON) || { echo 'make: no environment yet; `make install` sets it up'; exit 2; }
	@$(PYTHON) -m ljmix doctor

lint: $(INSTALLED) ## check style and types
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

clean: ## remove what runs of this PROFILE wrote, simulations too; committed files stay
	git clean -fdXq $(RESULTS)
