"""A whole model folder, and what of it belongs on the Hub."""

import json

TRAINING = {
    "recipe": "dcgan", "parent": "gan", "ancestors": ["gan"], "paper": "Radford 2015, arXiv:1511.06434", "note": "n",
    "changes": {}, "slots": {"family": "'dcgan'", "loss": "a | b"}, "seed": 0,
    "command": "python -m train dcgan --data cats.zip --out runs/cats",
    "data": {"name": "ada/cat-pictures", "images": 1234, "classes": 0, "fingerprint": "f", "licence": "CC BY 4.0"},
    "nimg": 5000, "minutes": 3.2, "hardware": "a machine"}

OURS = {".gitattributes", "README.md", "config.json", "model.safetensors", "samples.png", "training.json",
        "timeline/000.webp", "timeline/001.webp", "timeline/timeline.json"}


def make_whole(folder):
    """Adds to a tiny model's folder all that an export has, and beside it what does not belong to a model."""
    (folder / "training.json").write_text(json.dumps(TRAINING))
    (folder / "samples.png").write_bytes(b"\x89PNG")
    (folder / "timeline").mkdir()
    for name in ("000.webp", "001.webp"):
        (folder / "timeline" / name).write_bytes(name.encode())
    rows = [{"file": name, "nimg": 0} for name in ("000.webp", "001.webp", "../config.json", "absent.webp")]
    (folder / "timeline" / "timeline.json").write_text(json.dumps({"snapshots": rows}))
    for name in ("pytorch_model.bin", "notes.txt", "evil.pkl", ".hidden"):
        (folder / name).write_bytes(b"no")
    return folder
