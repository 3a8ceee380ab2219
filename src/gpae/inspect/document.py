"""An inspection as the structure that the page reads: plain JSON, arrays packed."""

import math
from typing import Any

import numpy as np

from gpae.credit.statistics import rank_correlation, sign_agreement
from gpae.inspect.arrays import packed
from gpae.inspect.inspection import InspectedEpisode, Inspection
from gpae.inspect.scene import action_names, episode_scene, unit_names

MOST_ALTERNATIVES = 400_000
"""Numbers of an episode's alternative actions above which the page goes without them."""

TRUTH, RATIO, TRACE = "truth", "ratio", "trace"
"""Names of the sources that are no estimators."""


def as_document(inspection: Inspection) -> dict[str, Any]:
    """Everything that the page shows.

    Args:
        inspection: The inspection.
    """
    config, spec = inspection.config, inspection.policy.system.environment.spec
    sources = _sources(inspection)
    return {
        "format": 1,
        "task": config.task_name,
        "subtitle": _subtitle(inspection),
        "agents": spec.num_agents,
        "action_names": action_names(inspection.policy.system.environment),
        "digits": _digits(inspection),
        "sources": sources,
        "shown": _shown_first(sources),
        "notes": _notes(inspection),
        "episodes": [
            _episode(inspection, place, each) for place, each in enumerate(inspection.episodes)
        ],
    }


def _sources(inspection: Inspection) -> list[dict[str, Any]]:
    """The charts that the page can show, the run's own estimator and the truth first."""
    own, *others = inspection.episodes[0].judgement.advantages
    sources = [_source(own, note="the run's own estimator")]
    if inspection.settings.repetitions:
        repetitions = inspection.settings.repetitions
        note = f"bars ± 1 standard error of {repetitions} repetitions"
        sources.append(_source(TRUTH, "simulated truth", note, truth=True))
    sources += [_source(name) for name in others]
    if inspection.off_policy:
        sources += [
            _source(
                RATIO,
                "ratio \N{GREEK SMALL LETTER RHO}",
                "policy judged over policy that acted",
                weight=True,
                base=1,
            ),
            _source(
                TRACE, "trace c", "of the run's own estimator, λ left out", weight=True, base=1
            ),
        ]
    return sources


def _source(
    name: str,
    label: str | None = None,
    note: str = "",
    *,
    truth: bool = False,
    weight: bool = False,
    base: int = 0,
) -> dict[str, Any]:
    return {
        "name": name,
        "label": label or name.replace("lambda", "λ"),
        "note": note,
        "truth": truth,
        "weight": weight,
        "base": base,
    }


def _shown_first(sources: list[dict[str, Any]]) -> list[str]:
    """The run's own estimator, the truth, the next estimator, and ratios and traces."""
    estimators = [each["name"] for each in sources if not (each["truth"] or each["weight"])]
    others = [each["name"] for each in sources if each["truth"] or each["weight"]]
    return [*estimators[:2], *others]


def _subtitle(inspection: Inspection) -> str:
    policy = f"{inspection.config.method.name}, update {inspection.policy.update}"
    if inspection.off_policy:
        policy += f", in episodes that update {inspection.behaviour_update} acted"
    return f"{policy} · {inspection.run}"


def _notes(inspection: Inspection) -> list[str]:
    """Remarks that a reader of the numbers needs."""
    notes = [
        "Advantages are in units of the discounted return, not normalised; actions are sampled "
        "from the policy. Each estimator saw this one episode: it is one sample of its noise."
    ]
    if inspection.settings.repetitions:
        notes.append(
            "The truth is the return after the joint action less the return expected over the "
            "agent's own action, simulated under the policies judged, time limits played on past."
        )
    return notes


def _digits(inspection: Inspection) -> int:
    """Decimals that leave about three digits of the largest advantage."""
    largest = max(
        np.abs(values).max()
        for each in inspection.episodes
        for values in each.judgement.advantages.values()
    )
    return int(np.clip(2 - math.floor(math.log10(max(float(largest), 1e-9))), 1, 3))


def _episode(inspection: Inspection, place: int, inspected: InspectedEpisode) -> dict[str, Any]:
    episode, judged, truth = inspected.episode, inspected.judgement, inspected.truth
    environment = inspection.policy.system.environment
    return {
        "length": len(episode),
        "label": " · ".join([f"{place + 1}", *_outcome(inspected)]),
        "description": f"{len(episode)} steps, return {episode.episode_return:.4g}",
        "alive": packed(episode.observation.alive[:-1]),
        "forced": packed(episode.forced),
        "actions": packed(episode.actions),
        "rewards": packed(episode.team_rewards),
        "probabilities": (
            None if judged.probabilities is None else packed(np.exp(judged.log_probs))
        ),
        "advantages": {name: packed(values) for name, values in judged.advantages.items()},
        **_weights(inspection, inspected),
        "truth": truth
        and {
            "steps": packed(truth.steps),
            "advantages": packed(truth.advantages),
            "errors": packed(truth.errors),
        },
        "alternatives": _alternatives(inspected),
        "agreement": _agreement(inspected),
        "scene": episode_scene(environment, episode),
        "unit_names": unit_names(environment, episode),
    }


def _outcome(inspected: InspectedEpisode) -> list[str]:
    """The environment's first metric in words, where it has one, and the return."""
    episode = inspected.episode
    metrics = list(episode.metrics.items())[:1]
    words = [
        ("won" if value else "lost") if name == "win_rate" else f"{name} {value:.3g}"
        for name, value in metrics
    ]
    number = f"{episode.episode_return:.2f}".replace("-", "\N{MINUS SIGN}")
    return [*words, number] if words else [f"return {number}"]


def _weights(inspection: Inspection, inspected: InspectedEpisode) -> dict[str, Any]:
    if not inspection.off_policy:
        return {}
    judged = inspected.judgement
    return {RATIO: packed(np.exp(judged.log_ratios)), TRACE: packed(judged.traces)}


def _alternatives(inspected: InspectedEpisode) -> dict[str, Any] | None:
    """Probability and true advantage of every action, at the steps that have a truth."""
    truth, probabilities = inspected.truth, inspected.judgement.probabilities
    if truth is None or truth.own_actions is None or probabilities is None:
        return None
    if truth.own_actions.size > MOST_ALTERNATIVES:
        return None
    return {
        "advantages": packed(truth.own_actions),
        "probabilities": packed(probabilities[truth.steps]),
    }


def _agreement(inspected: InspectedEpisode) -> dict[str, dict[str, float]]:
    """Agreement of each estimator with the truth, over acting agents of one episode."""
    truth = inspected.truth
    if truth is None:
        return {}
    acting = inspected.episode.acting[truth.steps]
    right = truth.advantages[acting]
    found = {}
    for name, values in inspected.judgement.advantages.items():
        estimates = values[truth.steps][acting]
        measures = {
            "rank_correlation": rank_correlation(estimates, right) if len(right) else math.nan,
            "sign_agreement": sign_agreement(estimates, right) if len(right) else math.nan,
        }
        if all(map(math.isfinite, measures.values())):
            found[name] = measures
    return found
