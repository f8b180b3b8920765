"""The model card: the README.md of a model folder, which the Hub shows as the model's page."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from shlex import quote
from typing import Any

from gan.degrade import task_of
from gan.files import object_in
from gan.hub.evidence import NOT_EXAMINED, evidence_of
from gan.hub.format import Model
from gan.models import family_of

__all__ = ["card", "is_ours", "licence_lines"]

LIBRARY = "gan-gallery"
CODE_LICENCE = "apache-2.0"
REALS = "_of_reals"  # how the name of a score ends that real pictures were given
WRITTEN_HERE = "<!-- Written from training.json. Take this line away, and your own text stays. -->"
LICENCES = {"apache": "apache-2.0", "mit": "mit", "cc0": "cc0-1.0", "cc by 4": "cc-by-4.0", "cc by sa 4": "cc-by-sa-4.0",
            "cc by sa 3": "cc-by-sa-3.0", "cc by nc 4": "cc-by-nc-4.0"}  # how a text begins -> the Hub's name


def card(name: str, model: Model, training: Mapping[str, Any]) -> str:
    """Front matter of the Hub, then what a reader asks first; complete by itself. ``training`` is what training.json holds;
    what it does not say is called "not stated". ``name`` is what loads the model: a name or a Hub id.

    ``training["metrics"]``, where there is one: ``features`` (the feature net), ``samples`` (how many pictures), ``scores``
    (name -> number; ``NAME_of_reals`` = what real pictures reach), ``against`` (which those are) and ``memorised`` (share of
    the pictures that are closer to a training picture than held-out ones are).
    """
    G, data = model.G, object_in(training, "data")
    recipe, metrics = _line(training.get("recipe")), object_in(training, "metrics")
    shape = f"{G.resolution} px, {'grey' if G.channels == 1 else 'RGB'}"
    names = model.class_names
    paper = _line(training.get("paper"))
    some = ", ".join(map(_line, names[:12])) + ", …" * (len(names) > 12)
    classes = f"{len(names)} classes ({some})" if names else "no classes"
    parameters = sum(t.numel() for t in G.parameters()) / 1e6
    front = _front_matter(name, model, recipe, training)
    slots = "\n".join(f"| `{_line(k)}` | `{_cell(v)}` |" for k, v in object_in(training, "slots").items())
    return f"""---
{front}
---

# {name}

A generator trained by the recipe `{recipe}` ({paper}): {shape}, {classes}, {parameters:.2f} million parameters.

![samples](samples.png)

- **Data**: {_line(data.get('name'))}, {_count(data.get('images'))} images.{_held_out(model, data)}
- **Licence** of the data, and so of these weights: {_line(data.get('licence'))}.
- **Trained**: {_trained(training)}{_chosen(training)}.{_origin(training)}
- **Command**: `{_line(training.get('command'))}`
- **Code**: {CODE_LICENCE}. The weights are plain safetensors: loading them runs no code.

## Use

{_use(name, model)}

## Measured

{_measured(metrics, data)}

{_evidence(training, name, model)}## Limits

{_limits(model, data)}
- {_memorised(metrics, data)}

## Recipe

| slot | value |
|---|---|
{slots}

{WRITTEN_HERE}
"""


def _use(name: str, model: Model) -> str:
    if model.G.source is None:
        command = f"python -m gan generate {name} --seeds 0-15 --grid --out out"
        promise = "The same seed, class and psi give the same picture, whatever is drawn beside it."
    else:
        task = task_of(model.G.source, model.G.channels)
        kind = f" --class {quote(_line(model.class_names[0]))}" if model.class_names else ""
        command = f"python -m gan transform {name} picture.png{kind} --out out"
        promise = f"{task.title}: {task.words[0].lower()}{task.words[1:]} The same picture gives the same result."
    return f"```\n{command}\npython app.py --models {name}\n```\n\n{promise} Every PNG holds the recipe that made it."


def _held_out(model: Model, data: Mapping[str, Any]) -> str:
    if model.G.source is None:
        return ""
    share = _number(data.get("held_out"))
    return (f" {share:.1%} of the set were kept out: the samples are made from pictures that training never saw." if share
            else " The samples are made from pictures that it was trained on.")


def is_ours(text: str) -> bool:
    """Whether a card was written here, and not by its owner."""
    return WRITTEN_HERE in text


def _front_matter(name: str, model: Model, recipe: str, training: Mapping[str, Any]) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    data, origin, metrics = (object_in(training, key) for key in ("data", "from", "metrics"))
    task = "unconditional-image-generation" if model.G.source is None else "image-to-image"
    source = _line(data.get("name"))
    scores = {name: value for name, value in _scores(metrics).items() if not name.endswith(REALS)}
    net = _line(metrics.get("features"))
    results = [EvalResult(task_type=task, dataset_name=source, dataset_type=source, metric_type=score, metric_value=value,
                          metric_name=f"{_words(score)} ({net})") for score, value in scores.items()]
    hub_id = re.fullmatch(r"[\w.-]+/[\w.-]+", source) and not source.endswith((".parquet", ".zip"))
    return ModelCardData(
        **licence_lines(data, origin), library_name=LIBRARY, pipeline_tag=task, tags=["gan", recipe, family_of(model.G)],
        datasets=[source] if hub_id else None, metrics=list(scores) or None, model_name=name if results else None,
        eval_results=results or None).to_yaml()


def licence_lines(data: Mapping[str, Any], origin: Mapping[str, Any]) -> dict[str, str]:
    """How front matter names the licence of the data and of what the weights started from (training.json's "data" and
    "from"), by the Hub's name where both begin as the same one that is known here."""
    found = {_known_licence(of.get("licence")) for of in ([data, origin] if origin else [data])}
    name = found.pop() if len(found) == 1 else None
    return {"license": name} if name else {"license": "other", "license_name": "as-the-training-data"}


def _known_licence(text: Any) -> str | None:
    plain = re.sub(r"[\s_-]+", " ", _line(text).lower()).strip()
    return next((hub for start, hub in LICENCES.items() if re.match(rf"{re.escape(start)}\b", plain)), None)


def _trained(training: Mapping[str, Any]) -> str:
    nimg, minutes = _number(training.get("nimg")), _number(training.get("minutes"))
    images = "an unknown number of" if nimg is None else f"{nimg / 1000:,.0f} thousand" if nimg >= 1000 else f"{nimg:g}"
    took = "" if minutes is None else f", {minutes:,.0f} minutes"
    return f"{images} images shown in training{_planned(training, nimg)}{took} on {_line(training.get('hardware'))}"


def _planned(training: Mapping[str, Any], nimg: float | None) -> str:
    """Where a run was stopped its command would train for longer."""
    try:
        kimg = float(object_in(training, "slots").get("kimg", ""))
    except (TypeError, ValueError):
        return ""
    return f" of the {kimg:,g} thousand that were planned" if nimg is not None and nimg < 1000 * kimg < math.inf else ""


def _chosen(training: Mapping[str, Any]) -> str:
    """Of which moment the weights are, "" where they are of the last."""
    chosen = object_in(training, "chosen")
    nimg, distance = _number(chosen.get("nimg")), _number(chosen.get("frechet_distance"))
    if nimg is None or distance is None:
        return ""
    return (f"; these weights are of {nimg / 1000:,.0f} thousand, where the Frechet distance was the least, {distance:.4g} "
            f"(features {_line(chosen.get('features'))}, {_count(chosen.get('samples'))} pictures)")


def _origin(training: Mapping[str, Any]) -> str:
    """A line on the model that this one started from, "" where it started from nothing: its data's licence holds too."""
    origin = object_in(training, "from")
    return (f"\n- **Started from**: {_line(origin.get('id'))}, revision {_line(origin.get('revision'))}; the licence of its "
            f"data holds for these weights as well: {_line(origin.get('licence'))}.") if origin else ""


def _measured(metrics: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    scores = _scores(metrics)
    if not scores:
        return "Nothing was measured when this card was written."
    floor = {name: f"{scores[f'{name}{REALS}']:.4g}" for name in scores if f"{name}{REALS}" in scores}
    rows = "\n".join(f"| {_words(name)} | {value:.4g} | {floor.get(name, '')} |" for name, value in scores.items()
                     if not name.endswith(REALS))
    against = _line(metrics.get("against") or data.get("name"))
    return (f"By the features of **{_line(metrics.get('features'))}**, {_count(metrics.get('samples'))} pictures, against "
            f"{against}. Figures of another feature net cannot be compared with these.\n\n"
            f"| score | model | real pictures |\n|---|---|---|\n{rows}")


def _evidence(training: Mapping[str, Any], name: str, model: Model) -> str:
    """What the experiment said, "" where there was none."""
    found = evidence_of(training, name, model.class_names)
    if found.verdict == NOT_EXAMINED:
        return ""
    line = lambda cells: f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"  # noqa: E731
    rows = "\n".join(map(line, found.rows))
    missing = "".join(f"\n- Not run: {text}" for text in found.not_run)
    return (f"## Do its pictures help a classifier?\n\n**{found.verdict.capitalize()}**: {found.reason}.\n\nExamined: "
            f"{found.examined}. `{found.command}`\n\n{line(['', *found.columns])}\n"
            f"{'|---' * (len(found.columns) + 1)}|\n{rows}\n{missing and missing + chr(10)}\n")


def _limits(model: Model, data: Mapping[str, Any]) -> str:
    """What follows from what the model is."""
    G = model.G
    reads = "It changes a picture that it is given" if G.source is not None else "It draws from random numbers alone"
    return (f"- It has seen {_count(data.get('images'))} pictures, cut to squares of {G.resolution} px, and can draw "
            f"nothing that is not like them; whatever is rare or one-sided in them is so here.\n"
            f"- {reads}: no text is understood, and some of the pictures are broken.\n"
            f"- The pictures are no evidence of anything that is real: label them as generated when you pass them on.")


def _memorised(metrics: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    share = _number(metrics.get("memorised"))
    if share is None:
        return "Memorisation was not measured: pictures may be close copies of training pictures."
    others = "pictures that it has not seen" if _number(data.get("held_out")) else "the others"
    return (f"Memorisation: {share:.1%} of its pictures are closer to a training picture than 99 % of {others} are "
            "(1 % would be chance).")


def _scores(metrics: Mapping[str, Any]) -> dict[str, float]:
    numbers = {str(name): _number(value) for name, value in object_in(metrics, "scores").items()}
    return {name: value for name, value in numbers.items() if value is not None and re.fullmatch(r"\w{1,40}", name)}


def _words(name: str) -> str:
    return name.replace("_", " ")


def _number(value: Any) -> float | None:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if usable and math.isfinite(value) else None


def _count(value: Any) -> str:
    number = _number(value)
    return "an unknown number of" if number is None else f"{number:,.0f}"


def _line(value: Any) -> str:
    """A text in one line, within bounds."""
    return " ".join(str(value).split())[:2000] if value not in (None, "") else "not stated"


def _cell(value: Any) -> str:
    return _line(value).replace("|", "\\|")
