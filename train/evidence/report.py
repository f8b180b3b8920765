"""The table for readers, the same as JSON for the app's scoreboards and for programs, and what a model's record keeps."""

from __future__ import annotations

from collections import Counter
from typing import Any

from train.evidence.statistics import POINTS, Interval
from train.evidence.summary import Regime, Summary, title

__all__ = ["as_json", "as_markdown", "as_record"]

COLUMNS = {"accuracy": "balanced accuracy, %", "against_nothing": "against nothing, points",
           "against_classic": "against classic, points", "chosen": "chosen on validation"}


def as_json(found: Summary, *, heading: str, protocol: str, command: str, class_names: tuple[str, ...]) -> dict[str, Any]:
    """``title``, ``protocol``, ``columns`` and ``rows`` are a scoreboard's, as the app shows them."""
    rows = [row for regime in found.regimes for row in _rows(regime)]
    rows += [{"name": name, "not_run": why} for name, why in found.not_run.items()]
    return {"title": heading, "protocol": f"{protocol} Verdict: {found.verdict.word}. {_sentence(found.verdict.reason)}",
            "columns": {key: head for key, head in COLUMNS.items() if key != "chosen"}, "rows": rows,
            "verdict": found.verdict.word, "reason": found.verdict.reason,
            "command": command, "classes": list(class_names),
            "regimes": [_regime(regime) for regime in found.regimes], "not_run": found.not_run}


def as_markdown(table: dict[str, Any], plot: str) -> str:
    """The table of ``as_json``, with the plot of that file name."""
    lines = [f"# {table['title']}", "", f"**{table['verdict'].capitalize()}**: {table['reason']}.", "",
             table["protocol"].partition(" Verdict: ")[0], "", f"    {table['command']}", "", f"![differences]({plot})", "",
             f"| | {' | '.join(COLUMNS.values())} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for row in table["rows"]:
        cells = [row["not_run"], *[""] * (len(COLUMNS) - 1)] if "not_run" in row else [row.get(key, "") for key in COLUMNS]
        lines.append(f"| {row['name']} | {' | '.join(cells)} |")
    lines += ["", "## The generator's pictures", "",
              "| | fakes alone teach | of what reals teach | reals read fakes | memorised |", "|---|---|---|---|---|"]
    for regime in table["regimes"]:
        lines.append(f"| {regime['title']} | {_points(regime['accuracy']['fakes alone'])} | {regime['taught']:.0%} | "
                     f"{_points(regime['reads_fakes'])} | {_points(regime['memorised'])} |")
    lines += ["", "All in %. Fakes alone: a classifier that sees the generator's pictures only, judged on real ones; "
              "reals read fakes: the classifier of the real ones, judged on the generator's; memorised: fakes nearer to a "
              "training picture (of 5,000 at most) than 99 % of the pictures that were kept apart are (1 % is chance).", "",
              "## Classic + GAN against classic, by class, points", "",
              f"| | {' | '.join(table['classes'])} |", "|---" * (len(table["classes"]) + 1) + "|"]
    for regime in table["regimes"]:
        cells = [f"{_points(gain)}, {count} real" for gain, count in zip(regime["by_class"], regime["counts"])]
        lines.append(f"| {regime['title']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def as_record(table: dict[str, Any], examined: str, plan: dict[str, Any]) -> dict[str, Any]:
    """What ``evidence`` in a model's training.json holds; ``gan.hub.evidence`` reads it."""
    rows = [[row["name"], row["accuracy"], row["against_classic"]] for row in table["rows"] if "not_run" not in row]
    return {"verdict": table["verdict"], "reason": table["reason"], "examined": examined,
            "columns": [COLUMNS["accuracy"], COLUMNS["against_classic"]], "rows": rows,
            "not_run": [f"{name}: {why}" for name, why in table["not_run"].items()], "command": table["command"], **plan}


def _rows(regime: Regime) -> list[dict[str, Any]]:
    rows = []
    for arm, accuracy in regime.accuracy.items():
        chosen = Counter(regime.chosen[arm])
        told = ", ".join(f"{name} ({count}×)" if len(chosen) > 1 else name for name, count in chosen.items())
        rows.append({"name": f"{title(regime.size)}: {arm}", "accuracy": str(accuracy),
                     "against_nothing": str(regime.against_nothing.get(arm, "")),
                     "against_classic": str(regime.against_classic.get(arm, "")), "chosen": told if told != arm else ""})
    return rows


def _regime(regime: Regime) -> dict[str, Any]:
    several = {name: {arm: _plain(value) for arm, value in getattr(regime, name).items()}
               for name in ("accuracy", "against_nothing", "against_classic")}
    return {"size": regime.size, "title": title(regime.size), "counts": list(regime.counts), "seeds": list(regime.seeds),
            **several, "by_class": [_plain(value) for value in regime.by_class], "chosen": regime.chosen,
            "reads_fakes": _plain(regime.reads_fakes), "memorised": _plain(regime.memorised),
            "taught": round(regime.taught, 4)}


def _plain(value: Interval) -> list[float | None]:
    return [None if number is None else round(number, 5) for number in (value.mean, value.low, value.high)]


def _points(plain: list[float | None]) -> str:
    return str(Interval(*plain)) if plain[1] is not None else f"{POINTS * plain[0]:.1f}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
