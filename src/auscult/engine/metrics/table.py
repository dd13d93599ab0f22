"""The table of metrics: name, definition, direction, unit, range and source of each, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Metric:
    """What a metric is.

    Attributes
    ----------
    name : str
        The one name of the metric in recipes, gates, evidence and reports.
    definition : str
        One sentence.
    higher_is_better : bool
        The direction.
    unit : str
        ``"1"`` for a share or an index; ``"target"`` for the unit of the target.
    source : str
        The paper or standard that defines it.
    low, high : float or None
        The range; None where there is no bound.
    """

    name: str
    definition: str
    higher_is_better: bool
    unit: str
    source: str
    low: float | None
    high: float | None


def _share(name: str, definition: str, source: str) -> Metric:
    return Metric(name, definition, True, "1", source, 0.0, 1.0)


def _error(name: str, definition: str, source: str, unit: str = "target") -> Metric:
    return Metric(name, definition, False, unit, source, 0.0, None)


EC57 = "ANSI/AAMI EC57:2012, testing of cardiac rhythm algorithms"
SOKOLOVA = "Sokolova and Lapalme 2009, Inf Process Manag 45:427"
HANLEY = "Hanley and McNeil 1982, Radiology 143:29"
DAVIS = "Davis and Goadrich 2006, ICML"
WILLMOTT = "Willmott and Matsuura 2005, Climate Research 30:79"
DICE = "Dice 1945, Ecology 26:297"
MAIER_HEIN = "Maier-Hein et al. 2024, Nature Methods 21:195"
COCO = "Lin et al. 2014, ECCV (COCO evaluation)"
CONLL = "Tjong Kim Sang and De Meulder 2003, CoNLL-2003 shared task"
TAB = "Pilán et al. 2022, Computational Linguistics 48:1053"
MANNING = "Manning, Raghavan and Schütze 2008, Introduction to Information Retrieval, chapter 8"
JARVELIN = "Järvelin and Kekäläinen 2002, ACM TOIS 20:422"
TRUCHON = "Truchon and Bayly 2007, J Chem Inf Model 47:488"
DEVLIN = "Devlin et al. 2019, NAACL (masked language model)"
WISEMAN = "Wiseman, Shieber and Rush 2017, EMNLP (relation generation, by extraction from the text)"
MONDEJAR = "Mondejar-Guerra et al. 2019, Biomed Signal Process Control 47:41"
GLUCOBENCH = "Sergazinov et al. 2024, ICLR (GlucoBench)"
VOVK = "Vovk, Gammerman and Shafer 2005, Algorithmic Learning in a Random World"
ESTEBAN = "Esteban, Hyland and Rätsch 2017, arXiv:1706.02633"
ALTMAN = "Altman and Bland 1994, BMJ 308:1552"
ALTMAN_PPV = "Altman and Bland 1994, BMJ 309:102"

_ROWS = (
    _share("accuracy", "Share of the items whose class is right.", SOKOLOVA),
    _share("macro_f1", "Mean F1 over the classes (labels) with a test positive; the others have no F1.", SOKOLOVA),
    _share("micro_f1", "F1 over all pairs of item and label.", SOKOLOVA),
    Metric(
        "jk_index",
        "0.5 kappa + 0.125 (Se_S + Se_V + PPV_S + PPV_V) on the AAMI classes N, S, V, F; "
        "PPV is 0 where none is called.",
        True,
        "1",
        MONDEJAR,
        -0.5,
        1.0,
    ),
    _share("veb_f1", "F1 of ventricular ectopic beats (V) against the rest.", EC57),
    _share("sveb_f1", "F1 of supraventricular ectopic beats (S) against the rest.", EC57),
    _share("sensitivity", "Share of the positives (events) that are found.", ALTMAN),
    _share("specificity", "Share of the negatives that are not called positive.", ALTMAN),
    _share("ppv", "Share of those called positive (of the detected events) that are.", ALTMAN_PPV),
    _share("event_f1", "Harmonic mean of sensitivity and ppv of events matched one to one.", EC57),
    Metric(
        "cohen_kappa",
        "Agreement of class and answer beyond chance.",
        True,
        "1",
        "Cohen 1960, Educ Psychol Meas 20:37",
        -1.0,
        1.0,
    ),
    _error(
        "median_rmse",
        "Median over the items of the root mean squared error over the item's columns.",
        GLUCOBENCH,
    ),
    _error("median_mae", "Median over the items of the mean absolute error over the item's columns.", GLUCOBENCH),
    _error("rmse", "Root of the mean squared error over items and columns.", WILLMOTT),
    _error("mae", "Mean absolute error over items and columns.", WILLMOTT),
    _error("mae_sbp", "Mean absolute error of the systolic blood pressure (column 0).", WILLMOTT, "mmHg"),
    _error("mae_dbp", "Mean absolute error of the diastolic blood pressure (column 1).", WILLMOTT, "mmHg"),
    _share("coverage", "Share of the targets inside their interval, bounds included.", VOVK),
    _error("interval_width", "Mean width of the intervals.", VOVK),
    _share(
        "roc_auc",
        "Area under the ROC curve, ties counting half; mean of one class against the rest for more than two.",
        HANLEY,
    ),
    _share("mean_roc_auc", "Mean area under the ROC curve over the labels with both classes.", HANLEY),
    _share("pr_auc", "Average precision: precision at each distinct score by the recall gained there.", DAVIS),
    _share("mean_pr_auc", "Mean average precision over the labels with a positive.", DAVIS),
    _error(
        "log_loss",
        "Mean of -ln of the probability of the true class.",
        "Good 1952, J R Stat Soc B 14:107",
        "nat",
    ),
    Metric(
        "brier",
        "Mean squared error of the probabilities: of the second of two classes, else summed over all.",
        False,
        "1",
        "Brier 1950, Monthly Weather Review 78:1",
        0.0,
        2.0,
    ),
    Metric(
        "ece",
        "Mean over 15 bins of equal mass of the gap between observed share and mean confidence "
        "of the chosen class (of the second class where one score an item was given).",
        False,
        "1",
        "Guo et al. 2017, ICML; equal mass: Nguyen and O'Connor 2015, EMNLP",
        0.0,
        1.0,
    ),
    _share("dice", "Dice coefficient: mean over the volumes that have the label, then over the labels.", DICE),
    _share(
        "dice_anterior",
        "Dice coefficient of the anterior hippocampus (label 1), mean over the volumes.",
        DICE,
    ),
    _share(
        "dice_posterior",
        "Dice coefficient of the posterior hippocampus (label 2), mean over the volumes.",
        DICE,
    ),
    _error("surface_distance_mean", "Mean distance between the surfaces of two masks.", MAIER_HEIN, "mm"),
    _error("surface_distance_p95", "Larger of the two one-way 95th percentiles of it.", MAIER_HEIN, "mm"),
    _share("map50", "Mean over the classes of the 101-point average precision at overlap 0.5.", COCO),
    _share("map50_95", "Mean over overlaps 0.50 to 0.95 and classes of the 101-point average precision.", COCO),
    _share("entity_f1", "Micro F1 of spans with exact bounds and type.", CONLL),
    _share("entity_precision", "Share of the spans in the output that are right.", CONLL),
    _share("entity_recall", "Share of the spans in the target that are found.", CONLL),
    _share(
        "character_precision", "Share of the covered characters that are in a span of the target, of any type.", TAB
    ),
    _share("character_recall", "Share of the characters of spans in the target that are covered, by any type.", TAB),
    _share("recall_at_20", "Mean over queries of the share of the relevant ids in the first 20.", MANNING),
    _share(
        "ndcg_at_20",
        "Mean over queries of the discounted gain of the first 20 over the best possible.",
        JARVELIN,
    ),
    _share(
        "map_at_20",
        "Mean over queries of average precision in the first 20, over min(20, relevant).",
        MANNING,
    ),
    _share("mrr", "Mean over queries of one over the rank of the first relevant id, 0 beyond the list.", MANNING),
    _share("hit_rate_at_20", "Share of the queries with a relevant id in the first 20.", MANNING),
    _share("bedroc20", "Boltzmann-enhanced discrimination of ROC with alpha 20.", TRUCHON),
    Metric(
        "ef1",
        "Share of actives in the first 1 % over their share among all.",
        True,
        "1",
        TRUCHON,
        0.0,
        100.0,
    ),
    _share("mean_bedroc20", "Mean over the labels of the Boltzmann-enhanced discrimination of ROC.", TRUCHON),
    Metric(
        "mean_ef1",
        "Mean over the labels of the share of actives in the first 1 % over their share among all.",
        True,
        "1",
        TRUCHON,
        0.0,
        100.0,
    ),
    _share(
        "tstr_auc",
        "Area under the ROC curve on real test items of a model trained on generated items only.",
        ESTEBAN,
    ),
    _share(
        "trtr_auc",
        "Area under the ROC curve on real test items of the same model trained on the real training items.",
        ESTEBAN,
    ),
    Metric(
        "tstr_share",
        "tstr_auc over trtr_auc: what generated items are worth where real ones are needed.",
        True,
        "1",
        ESTEBAN,
        0.0,
        None,
    ),
    Metric(
        "synthetic_gain",
        "Area under the ROC curve that generated items add to a model trained on a tenth of the real ones.",
        True,
        "1",
        "Frid-Adar et al. 2018, Neurocomputing 321:321",
        -1.0,
        1.0,
    ),
    Metric(
        "membership_auc",
        "Area under the ROC curve of telling training items by the distance to the nearest generated one.",
        False,
        "1",
        "Chen et al. 2020, ACM CCS (GAN-Leaks)",
        0.0,
        1.0,
    ),
    Metric(
        "kid",
        "Unbiased squared mean discrepancy of features with a cubic kernel.",
        False,
        "1",
        "Bińkowski et al. 2018, ICLR",
        None,
        None,
    ),
    Metric(
        "copy_rate",
        "Share of the 8-grams of generated texts that stand in the training texts.",
        False,
        "1",
        "McCoy et al. 2023, TACL 11:652",
        0.0,
        1.0,
    ),
    Metric(
        "copy_excess",
        "copy_rate of generated texts minus that of held-out real texts of the same records.",
        False,
        "1",
        "McCoy et al. 2023, TACL 11:652",
        -1.0,
        1.0,
    ),
    Metric(
        "perplexity",
        "Exponential of the mean negative log-probability of real texts, a word.",
        False,
        "1",
        "Jelinek et al. 1977, J Acoust Soc Am 62:S63",
        1.0,
        None,
    ),
    _share("masked_accuracy", "Share of the hidden words of texts that were guessed.", DEVLIN),
    _share("field_faithfulness", "Share of the facts asked for or stated in a text which are both.", WISEMAN),
    _share("field_recall", "Share of the facts asked for which the text states.", WISEMAN),
    _share("field_precision", "Share of the facts that the text states which were asked for.", WISEMAN),
)

METRICS: Mapping[str, Metric] = MappingProxyType({row.name: row for row in _ROWS})
