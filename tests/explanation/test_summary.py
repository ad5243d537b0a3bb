import json

import numpy as np
import pandas as pd
import pytest

from ljmix import explanation
from ljmix.data.dataset import FEATURES, Dataset
from ljmix.explanation.maps import View, study_maps
from ljmix.explanation.summary import attribution_metrics, dataset_metrics, embedding_metrics, whole_maps
from ljmix.report.metrics import plain, read_metrics, update_metrics
from ljmix.simulation.profiles import load_profile


def test_plain_values_are_those_of_json():
    value = {"a": np.float64(1.5), 2: np.array([1, 2]), "nan": float("nan"), "list": [np.int64(3), None, "text", True]}
    assert plain(value) == {"a": 1.5, "2": [1, 2], "nan": None, "list": [3, None, "text", True]}
    assert json.loads(json.dumps(plain(value))) == plain(value)


@pytest.fixture(scope="module")
def sections(dataset):
    states = dataset.states
    runs = study_maps(dataset, [View("UMAP", 15), View("UMAP", 15, ("BB",)), View("PCA", 2)], 1)
    k = 3
    entropies = explanation.entropy_runs(runs, k, states)
    rated = explanation.quality(runs, entropies, explanation.agreement(runs, k), k)
    null = explanation.null_entropy(runs[0].labels[k], states, seed=0, permutations=20)
    found = explanation.explain_models(dataset, ["xgboost"], 1, n_rows=10, n_background=5)
    draws = explanation.model_draws(found, seed=0, n=20)
    study = explanation.explain_descriptors(
        states, explanation.describe_curves(dataset)[["height_AB"]], seed=0, folds=2
    )
    by_pair = explanation.row_attributions(found[0].attribution, "xgboost").rename(columns={"shap": "mean_abs"})
    by_pair = by_pair.groupby(["model", "pair", "feature"])["mean_abs"].mean().reset_index()
    labels = pd.DataFrame({"model": ["xgboost"], "feature": ["r"], "two_labels": [0.1], "one_pair": [0.2]})
    errors = explanation.held_out_errors(found, states)
    return {
        "embedding": embedding_metrics(runs, k, entropies, null, rated),
        "attribution": attribution_metrics(found, draws, study, errors, labels, by_pair),
    }


def test_sections_can_be_written_and_read_back(sections, tmp_path):
    update_metrics(tmp_path / "metrics.json", sections, {"profile": "synthetic"})
    read = read_metrics(tmp_path / "metrics.json")
    assert {name: read[name] for name in sections} == sections


def test_dataset_is_counted(dataset):
    whole = dataset_metrics(dataset, load_profile("quick"))
    assert whole["planned"] == 60
    assert whole["states"] == whole["complete"] == len(dataset.states)
    one_less = dataset_metrics(dataset.select(dataset.states.index != 0), load_profile("quick"))
    assert one_less["states"] == whole["states"] - 1
    assert one_less["complete"] == whole["complete"] - dataset.states["temperature"].nunique()
    for name, total in (("states", len(dataset.states)), ("converged", dataset.states["converged"].sum())):
        assert sum(phase[name] for phase in whole["phases"].values()) == total
    assert {phase["starts_disagree"] for phase in whole["phases"].values()} == {0}, "no state has two starts"
    doubtful = Dataset(dataset.states.assign(starts_agree=dataset.states.index > 2), dataset.rdf, {})
    found = dataset_metrics(doubtful, load_profile("quick"))["phases"]
    assert sum(phase["starts_disagree"] for phase in found.values()) == 3


def test_embedding_keeps_its_fixed_keys(sections):
    embedding = sections["embedding"]
    assert embedding["best_k"] == 3
    assert set(embedding["mixing_entropy"]) == {"temperature", "fraction_b", "size_ratio", "epsilon_ab"}
    assert embedding["maps"] == embedding["seeds"] == 1, "single pairs and PCA are not the paper's kind of map"
    assert set(embedding["views"]) == {"UMAP 15", "UMAP 15 BB", "PCA 2"}
    assert embedding["views"]["UMAP 15"]["ari_mean"] is None, "one seed agrees with nobody"
    assert sum(embedding["best_k_counts"].values()) == 1
    assert whole_maps([]) == []


def test_attribution_keeps_its_fixed_keys(sections):
    attribution = sections["attribution"]
    assert set(attribution["xgboost"]) == set(FEATURES)
    assert set(attribution["methods"]) == {"SHAP xgboost", "permutation xgboost", "Sobol xgboost"}
    for feature, (low, high) in attribution["interval"]["xgboost"].items():
        assert low <= attribution["xgboost"][feature] <= high
    assert set(attribution["by_pair"]["xgboost"]) <= {"AA", "AB", "BB"}
    assert attribution["std"]["xgboost"]["r"] is None, "one fit has no spread"
    assert set(attribution["descriptors"]["height_AB"]) == {"r2", "features", "interactions"}
    assert attribution["agreement"]["paper"]["paper"] == 1
