"""The model card: the README.md of a model folder, which the Hub shows as the model's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gan.hub.format import Model

__all__ = ["card"]

CODE_LICENCE = "apache-2.0"


def card(name: str, model: Model, training: Mapping[str, Any]) -> str:
    """Front matter of the Hub, then what a reader asks first. ``training`` is what training.json holds.

    Errors: ``KeyError`` where training.json does not say where the model comes from.
    """
    G, data, recipe = model.G, training["data"], training["recipe"]
    parameters = sum(t.numel() for t in G.parameters())
    shape = f"{G.resolution} px, {'grey' if G.channels == 1 else 'RGB'}"
    names = model.class_names
    classes = f"{len(names)} classes ({', '.join(names[:12])})" if names else "no classes"
    took = f"{training['nimg'] / 1000:,.0f} thousand images shown to D, {training['minutes']:.0f} minutes"
    slots = "\n".join(f"| `{k}` | `{v}` |" for k, v in training["slots"].items())
    return f"""---
license: other
license_name: as-the-training-data
library_name: gan-gallery
pipeline_tag: unconditional-image-generation
tags: [gan, {recipe}]
---

# {name}

A `{recipe}` generator ({training['paper']}): {shape}, {classes}, {parameters / 1e6:.2f} million parameters.

![samples](samples.png)

- **Data**: {data['name']}, {data['images']:,} images. Licence of the data, and so of these weights: {data['licence']}.
- **Trained**: {took} on {training['hardware']}.
- **Command**: `{training['command']}`
- **Code**: {CODE_LICENCE}. The weights are plain safetensors: loading them runs no code.

```
python -m gan generate {name} --seeds 0-15 --grid --out out
```

| slot of the recipe | value |
|---|---|
{slots}
"""
