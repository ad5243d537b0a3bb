import copy
import subprocess
from pathlib import Path

import pytest

from ljmix.report.claims import claims_table, papers_failure
from ljmix.report.gallery import gallery
from ljmix.report.metrics import read_metrics, update_metrics
from ljmix.report.readme import (
    PAGES,
    describe_extent,
    describe_views,
    insert_block,
    interval_words,
    results_table,
    short_table,
)

ROOT = Path(__file__).parents[2]
NUMBERS = "results/reference/metrics.json"
METRICS = read_metrics(ROOT / NUMBERS)


def skip_between_a_run_and_its_report(page):
    """Each notebook writes its numbers as it ends, the pages that quote them are written last."""
    changed = subprocess.run(
        ["git", "-C", str(ROOT), "status", "--porcelain", "--", NUMBERS, page],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    if NUMBERS in changed and page not in changed:
        pytest.skip(f"{NUMBERS} was written anew, {page} not yet; `make all` does it")


@pytest.mark.parametrize("page", PAGES)
def test_pages_quote_the_published_metrics(page):
    """If this fails after a new run: python -m ljmix.report.readme results/reference/metrics.json."""
    skip_between_a_run_and_its_report(page)
    text = (ROOT / page).read_text(encoding="utf-8")
    assert insert_block(text, PAGES[page](METRICS)) == text


def test_gallery_quotes_the_published_metrics():
    skip_between_a_run_and_its_report("figures/README.md")
    assert (ROOT / "figures" / "README.md").read_text(encoding="utf-8") == gallery(METRICS)


def test_every_figure_of_the_gallery_is_there_and_none_is_left_out():
    shown = {line.split("(")[1].rstrip(")") for line in gallery(METRICS).splitlines() if line.startswith("![")}
    assert shown == {path.name for path in (ROOT / "figures").glob("*.png")}
    assert {path.stem for path in (ROOT / "figures").glob("*.svg")} == {Path(name).stem for name in shown}


def test_table_rounds_and_keeps_order():
    table = results_table(METRICS)
    value, spread = (METRICS["extrapolation"]["mlp"][key]["BB"] for key in ("r2", "r2_std"))
    row = next(line for line in table.splitlines() if line.startswith("| … BB"))
    assert row.split("|")[2].strip() == "0.83"
    assert row.split("|")[3].strip() == f"{value:.3f} ± {spread:.3f}"
    groups = [line.split("|")[1].strip() for line in table.splitlines() if line.endswith("|") and "states)" in line]
    kinds = {"r2_T0.6", "r2_T1.4", "r2_dilute", "r2_starts_agree", "r2_mixed_converged"}
    assert len(groups) == 2 + len(kinds & set(METRICS["noise_ceiling"]["extrapolation"]["replicate"]))  # two phases


def test_the_short_table_has_five_rows_and_its_caveat():
    head, line, *rows, empty, caveat = short_table(METRICS).splitlines()
    assert (len(rows), empty) == (5, "")
    assert len({row.count("|") for row in (head, line, *rows)}) == 1
    best = next(row for row in rows if "temperatures (200 states)" in row).split("|")
    assert [cell.strip() for cell in best[2::2]] == [
        "0.89",
        f"{METRICS['extrapolation']['gaussian-process']['r2']['all']:.3f}",
        f"{METRICS['noise_ceiling']['extrapolation']['replicate']['r2']['all']:.3f}",
    ]
    converged = sum(found["converged"] for found in METRICS["dataset"]["phases"].values())
    assert caveat.startswith(f"{METRICS['dataset']['states'] - converged} of the {METRICS['dataset']['states']} states")


def test_the_short_table_leaves_out_a_group_without_states():
    metrics = copy.deepcopy(METRICS)
    scores = metrics["certainty"]["scores"]
    metrics["certainty"]["scores"] = [row for row in scores if row["score"] != "r2_mixed_converged"]
    assert "mixed, converged" not in short_table(metrics)


def test_a_set_that_grows_is_called_so():
    metrics = copy.deepcopy(METRICS)
    metrics["profiles"]["dataset"] = "reference"
    metrics["dataset"] |= {"states": 300, "planned": 500, "complete": 290}
    assert describe_extent(metrics).startswith("300 of the 500 states of the profile `reference`, which still grows")
    assert "the 290 whose composition has every temperature" in describe_extent(metrics)
    metrics["dataset"] |= {"states": 500, "complete": 500}
    converged = sum(found["converged"] for found in metrics["dataset"]["phases"].values())
    assert describe_extent(metrics) == f"the 500 states of the profile `reference` (runs of {converged} have converged)"


def test_one_seed_has_no_spread_to_print():
    metrics = copy.deepcopy(METRICS)
    metrics["extrapolation"]["mlp"]["r2_std"] = dict.fromkeys(("all", "AA", "AB", "BB"))
    row = next(line for line in results_table(metrics).splitlines() if line.startswith("| … BB"))
    assert row.split("|")[3].strip() == f"{metrics['extrapolation']['mlp']['r2']['BB']:.3f}"


def verdicts(metrics) -> dict[str, str]:
    rows = [line.split("|") for line in claims_table(metrics).splitlines() if line.startswith("| ")]
    return {row[1].strip(): row[3].strip() for row in rows[2:]}


def test_claims_follow_the_numbers():
    metrics = copy.deepcopy(METRICS)
    embedding, methods = metrics["embedding"], metrics["attribution"]["methods"]
    embedding["n_values"]["size_ratio"] = 4
    for view in embedding["views"].values():
        view["size_ratio"] = 0.01
    for share, word in ((1.0, "yes"), (0.9, "likely"), (0.5, "undecided"), (0.1, "unlikely"), (0.0, "no")):
        embedding["share_k4"]["silhouette"] = embedding["size_ratio_lowest"] = share
        found = verdicts(metrics)
        assert found["four clusters"] == word
        assert found["lowest mixing entropy: S"] == word
    # One ordered pair of twelve: a tenth is what chance gives.
    for share, word in ((1.0, "yes"), (0.9, "likely"), (0.1, "undecided"), (0.03, "unlikely"), (0.0, "no")):
        methods["SHAP mlp"]["size_then_epsilon"] = share
        assert verdicts(metrics)["SHAP: S first, then ε_AB (network)"] == word
    embedding["n_values"]["size_ratio"] = 3
    assert verdicts(metrics)["four clusters"] == "not asked: another grid"


def test_the_papers_failure_is_one_where_the_phase_changes_and_the_network_does_not_see_it():
    claim = "a transition between T* = 0.8 and 0.6 that training never shows (C_B 0.01, S 1.5, ε_AB 0.2)"
    metrics = copy.deepcopy(METRICS)
    rows = papers_failure(metrics["failures"])
    network = next(row for row in rows if row["model"] == "mlp")
    for cold, warm, r2, disagree, word in (
        ("demixed", "demixed", 0.2, False, "no"), ("demixed", "mixed", 0.2, False, "yes"),
        ("demixed", "mixed", 0.2, True, "undecided"), ("demixed", "mixed", 0.9, False, "undecided"),
    ):  # fmt: skip
        network["r2"] = r2
        for row in rows:
            row |= {"phase_cold": cold, "phase_warm": warm, "disagree_cold": False, "disagree_warm": disagree}
        assert verdicts(metrics)[claim] == word
    assert f"network (paper) {r2:.2f}" in claims_table(metrics)
    metrics["failures"] = []
    assert verdicts(metrics)[claim] == "not asked: another grid"
    assert "A BB curve at the lowest temperature" in gallery(metrics)


def test_captions_of_the_network_tell_how_long_it_learned():
    metrics = copy.deepcopy(METRICS)
    metrics["epochs_run"] = {"interpolation": [30, 40], "extrapolation": [50, 50]}
    text = gallery(metrics)
    for task, span in (("interpolation", "30 to 40"), ("extrapolation", "50")):
        train = metrics[task]["mlp"]["r2_train"]["all"]
        assert f"R² {train:.3f}" in text
        assert f"on the rows it learned from, after {span} epochs" in text


def test_figure_5_says_who_predicts_the_curve_that_costs_most():
    metrics = copy.deepcopy(METRICS)
    caption = gallery(metrics).split("![Figure 5](fig5.png)")[1].split("##")[0]
    assert caption.count("R² of the BB curve at 0.6") == 2
    for row in metrics["failures"]:
        row["worst"] = row in papers_failure(metrics["failures"])
    assert gallery(metrics).split("![Figure 5](fig5.png)")[1].split("##")[0].count("R² of the BB curve at 0.6") == 1


def test_what_holds_on_maps_of_all_pairs_may_not_hold_elsewhere():
    metrics = copy.deepcopy(METRICS)
    views = metrics["embedding"]["views"]
    entropy = {"size_ratio": 0.9, "epsilon_ab": 0.95, "fraction_b": 0.96, "temperature": 0.6}
    views |= {"UMAP 15 AA": views["UMAP 15 AA"] | entropy}
    views |= {"PCA 3": views["PCA 3"] | entropy | {"size_ratio": 0.445, "epsilon_ab": 0.444}}
    metrics["embedding"]["size_ratio_lowest"] = 1.0
    assert verdicts(metrics)["lowest mixing entropy: S"] == "yes on UMAP of all pairs, not in every view"
    found = describe_views(views)
    assert "on AA alone, where S moves no contact distance, T* 0.60, S 0.90" in found
    for smallest, outlier in ((20, ""), (1, " (there a single state is a cluster)")):
        only = describe_views({"PCA 3": views["PCA 3"] | {"smallest": smallest}})
        assert only == f"on 3 principal components S 0.45 and ε_AB 0.44, which cannot be told apart{outlier}"


def test_a_rank_within_chance_is_not_called_one():
    metrics = copy.deepcopy(METRICS)
    embedding = metrics["embedding"]
    embedding["temperature_highest"] = 1.0
    embedding["mixing_entropy_normalised"] = {
        "size_ratio": 0.1,
        "epsilon_ab": 0.95,
        "fraction_b": 0.7,
        "temperature": 0.97,
    }
    for feature in embedding["mixing_entropy_null"].values():
        feature["null_low"] = 0.9
    assert verdicts(metrics)["highest mixing entropy: T*"] == "undecided"
    assert "ε_AB and T* are mixed as evenly as by shuffled clusters, or more" in claims_table(metrics)
    embedding["mixing_entropy_normalised"]["epsilon_ab"] = 0.6
    assert verdicts(metrics)["highest mixing entropy: T*"] == "yes"


def test_missing_markers_are_named():
    with pytest.raises(ValueError, match="the page has no place for the table"):
        insert_block("# nothing here", "| table |\n")


@pytest.mark.parametrize("content", ["<<<<<<< HEAD\n{}\n=======\n", "{", "[1]", ""])
def test_damaged_metrics_are_named_with_a_way_out(tmp_path, content):
    path = tmp_path / "metrics.json"
    path.write_text(content)
    for call in (lambda: read_metrics(str(path)), lambda: update_metrics(path, {"a": {}}, {})):
        with pytest.raises(ValueError, match=r"metrics\.json .*; restore it \(git checkout\), or delete it, and"):
            call()
    assert path.read_text() == content


def test_intervals_whose_coverage_was_simulated_are_called_nominal():
    """As version 2 has it: the same words in the table and in both captions; for version 1 they are as published."""
    metrics = copy.deepcopy(METRICS)
    assert interval_words(metrics) == interval_words(metrics, "gain") == "95 % interval over mixtures"
    metrics["certainty"]["coverage"] = {"mlp": {"r2": 0.81, "gain": 0.7}, "nearest-temperature": {"r2": 0.74}}
    words = "interval over mixtures, nominally of 95 %, which holds the truth in 74 to 81 % of simulated sets, by model"
    assert interval_words(metrics) == words
    assert f"| … {words} |" in results_table(metrics)
    page = gallery(metrics)
    assert f"thin ones: {words}." in page
    assert "holds the truth in 70 % of simulated sets, by model)" in page
    assert "with nominal 95 % intervals over mixtures" in page
