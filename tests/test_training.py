"""The loop: every recipe trains, resumes bit-exactly, and watches over itself."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import tiny_generator, tiny_images

from gan import hub
from gan.engine import draw
from gan.latent import Draw, latents
from train.data.stream import Stream
from train.game.dynamics import Grow
from train.recipes import RECIPES, changes, find
from train.run.checkpoint import differences, load_checkpoint, peek, save_checkpoint
from train.run.export import Provenance, export, sample_seeds
from train.run.loop import Diverged, Run
from train.run.observers import Checkpoints, Log, Snapshots, log_spaced_kimg
from train.run.settle import settled
from train.settings import overridden

IDENTITY = {"recipe": "x", "data": "y"}


def tiny_run(name: str, *overrides: str, images=None, observers=(), kimg: float = 0.032, seed: int = 0) -> Run:
    images = images or tiny_images(classes=3)
    recipe = overridden(find(name)(images.spec), ("g.width=4", "d.width=4", "batch=4", f"kimg={kimg}", *overrides))
    return Run(recipe, Stream(images, seed=seed, flip=recipe.flip), seed=seed, observers=observers)


def everything(run: Run) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in run.state()[0].items()}


def assert_same(a: Run, b: Run) -> None:
    x, y = everything(a), everything(b)
    assert x.keys() == y.keys() and (a.nimg, a.game.rounds, a.stream.index) == (b.nimg, b.game.rounds, b.stream.index)
    for name in x:
        assert torch.equal(x[name], y[name]), name


OPTIONS = [
    ["penalties=R1(10, every=2)", "d.spectral=true", "g_opt.lr=Schedule(1e-3, 1e-5, 1)"],
    ["d_opt=RMSprop()", "d_steps=3", "g.up=transposed"],
    ["d.spectral=true", "precision=float32", "flip=true", "channels_last=false"],
    ["d.spectral=true", "augment=DiffAugment()", "penalties=R1(1)"],
]


@pytest.mark.parametrize(("name", "overrides"), [*((name, []) for name in RECIPES), *(("dcgan", o) for o in OPTIONS)])
def test_resume_is_bit_exact(name, overrides, tmp_path):
    """3 steps, a checkpoint, 3 more in a fresh object: the same bits as 6 steps without a break."""
    straight = tiny_run(name, *overrides)
    for _ in range(3):
        straight.advance()
    save_checkpoint(tmp_path / "c.safetensors", straight.state(), IDENTITY)
    for _ in range(3):
        straight.advance()
    torch.manual_seed(123)  # what the rest of the program draws must not matter
    resumed = tiny_run(name, *overrides)
    resumed.restore(*load_checkpoint(tmp_path / "c.safetensors", IDENTITY))
    for _ in range(3):
        resumed.advance()
    assert_same(straight, resumed)
    assert all(v.isfinite().all() for v in everything(straight).values() if v.is_floating_point())


@pytest.mark.parametrize("name", ["gan", "biggan", "stylegan2"])  # dropout; spectral norm in G; noise, mean w
def test_snapshots_logs_and_exports_change_nothing(name, tmp_path):
    """Watching a run draws nothing from its generators."""
    alone, watched = tiny_run(name), tiny_run(name, observers=[
        Log(tmp_path / "log.jsonl"), Snapshots(tmp_path / "s"),
        Checkpoints(tmp_path / "c.safetensors", IDENTITY, every_s=0)])
    torch.manual_seed(5)
    alone.fit()
    left = torch.get_rng_state()
    torch.manual_seed(5)
    watched.fit()
    assert torch.equal(left, torch.get_rng_state())
    assert_same(alone, watched)
    assert json.loads((tmp_path / "s" / "timeline.json").read_text())["snapshots"][-1]["nimg"] == 32


def test_each_phase_trains_its_own_net_only():
    run = tiny_run("dcgan")
    g0, d0 = ([p.clone() for p in net.parameters()] for net in (run.game.G, run.game.D))
    run._update(run.game.phases[0])
    assert all(torch.equal(a, b) for a, b in zip(g0, run.game.G.parameters()))
    d1 = [p.clone() for p in run.game.D.parameters()]
    assert not all(torch.equal(a, b) for a, b in zip(d0, d1))
    run._update(run.game.phases[1])
    assert all(torch.equal(a, b) for a, b in zip(d1, run.game.D.parameters()))
    assert all(p.requires_grad for p in [*run.game.G.parameters(), *run.game.D.parameters()])


def test_nimg_counts_images_shown_to_d():
    run = tiny_run("dcgan", "d_steps=3")
    run.advance()
    assert (run.nimg, run.stream.index) == (12, 16)


def test_lazy_term_is_due_when_it_is_due_and_weighs_as_much():
    run = tiny_run("dcgan", "d.spectral=true", "penalties=R1(10, every=3)")
    assert [(p.net, p.every, len(p.losses)) for p in run.game.phases] == [("D", 1, 1), ("D", 3, 1), ("G", 1, 1)]
    seen = []
    for _ in range(6):
        run.losses.clear()
        run.advance()
        seen.append("D/3" in run.losses)
    assert seen == [True, False, False] * 2
    assert run.game.phases[0].optimiser is run.game.phases[1].optimiser


def test_lazy_term_is_as_frequent_as_d():
    run = tiny_run("dcgan", "d.spectral=true", "penalties=R1(10, every=3)", "d_steps=5")
    assert [(p.net, p.every, p.repeats) for p in run.game.phases] == [("D", 1, 5), ("D", 3, 5), ("G", 1, 1)]


def test_d_and_q_learn_the_codes_together():
    """Chen et al. 2016: Q shares all layers of D but the last."""
    run = tiny_run("infogan", "d_opt.lr=0.1")
    phase = run.game.phases[0]
    phase.losses = phase.losses[1:]  # the codes alone
    trunk = [p.clone() for p in run.game.D.parameters()]
    run._update(phase)
    moved = [not torch.equal(a, b) for a, b in zip(trunk, run.game.D.parameters())]
    assert phase.net == "D" and any(moved)


def test_growth_passes_every_level_and_ends_whole():
    grow = Grow(kimg=1)
    seen = [grow.at(n, 10_000, levels=3) for n in (0, 999, 1000, 1500, 2000, 2999, 3000, 3250, 4000, 99_000)]
    assert seen == [(0, 1), (0, 1), (1, 0), (1, 0.5), (1, 1), (1, 1), (2, 0), (2, 0.25), (2, 1), (2, 1)]


def test_nets_and_reals_grow_together():
    run = tiny_run("progan", "callbacks=Grow(0.008)", kimg=1)
    sizes, shown = [], []
    run.game.D.features = lambda x, c=None, y=None, whole=run.game.D.features: shown.append(x.shape[-1]) or whole(x, c, y)
    for _ in range(12):
        shown.clear()
        run.advance()
        assert len(set(shown)) == 1  # reals, fakes and points between them
        sizes.append((shown[0], float(run.game.G.alpha)))
    assert sizes == [(4, 1)] * 2 + [(8, 0), (8, 0.5), (8, 1), (8, 1), (16, 0), (16, 0.5)] + [(16, 1)] * 4
    assert draw(settled(tiny_run("progan").game.G_ema), [Draw(0)]).shape == (1, 16, 16, 1)


def test_fading_in_starts_from_the_old_picture():
    """At alpha = 0 a new level changes nothing but the size."""
    run = tiny_run("progan")
    G, z = run.game.G.eval(), torch.randn(2, run.game.G.latent.dim)
    c = torch.tensor([0, 1])
    G.grow(1, 1.0)
    before = G(z, c)
    G.grow(2, 0.0)
    torch.testing.assert_close(G(z, c), before)


def test_parameters_of_a_term_have_one_owner():
    """InfoGAN's Q and the classifier of AC-GAN learn with D, though G's loss reads them too."""
    for name in ("infogan", "acgan"):
        run = tiny_run(name)
        mine = {id(p) for p in run.game.terms.parameters()}
        owned = {phase.net for phase in run.game.phases for group in phase.optimiser.param_groups
                 if mine & {id(p) for p in group["params"]}}
        assert mine and owned == {"D"}
        before = [p.clone() for p in run.game.terms.parameters()]
        run.advance()
        assert not any(torch.equal(a, b) for a, b in zip(before, run.game.terms.parameters()))


def test_penalty_per_sample_refuses_batch_norm():
    with pytest.raises(ValueError, match="R1 is a penalty per sample, but D has BatchNorm"):
        tiny_run("dcgan", "penalties=R1(10)")


def test_average_has_the_half_life_it_says():
    run = tiny_run("dcgan", "ema_kimg=0.016", "ema_rampup=1e9")
    p, q = next(run.game.G.parameters()), next(run.game.G_ema.parameters())
    before, target = q.clone(), torch.ones_like(p)
    p.data.copy_(target)
    for _ in range(4):  # 4 steps of 4 images = one half-life
        run._average()
    torch.testing.assert_close(q, (before + target) / 2)


def test_learning_rate_follows_its_schedule():
    run = tiny_run("dcgan", "g_opt.lr=Schedule(1e-3, 0, 0.008)")
    rates = []
    for _ in range(3):
        run.advance()
        rates.append(run.game.phases[-1].optimiser.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-3, 5e-4, 0])


def test_unused_labels_never_reach_the_nets():
    run = tiny_run("dcgan", images=tiny_images(classes=3))
    run.advance()
    assert run.game.G.latent.classes == 0


def test_diverging_run_says_where(tmp_path):
    run = tiny_run("dcgan")
    run.advance()
    run.game.D.head.score.weight.data.fill_(float("nan"))
    with pytest.raises(Diverged, match=r"the D loss is not finite in round 2 \(0.0 kimg\); try a lower learning rate"):
        run.advance()


def test_diverging_penalty_is_named():
    run = tiny_run("dcgan", "d.spectral=true", "penalties=R1(10)")
    run.game.terms[0].forward = lambda step: step.real_logits * float("inf")
    with pytest.raises(Diverged, match=r"R1 is not finite in round 1"):
        run.advance()


def test_numbers_are_compared_as_numbers():
    assert differences({"ema_kimg": "25", "g": "a"}, {"ema_kimg": "25.0", "g": "b"}) == ["g: a in the run, b asked"]


def test_other_recipe_is_refused_with_the_differences(tmp_path):
    run = tiny_run("dcgan")
    save_checkpoint(tmp_path / "c.safetensors", run.state(), {"recipe": "dcgan", "batch": "4", "kimg": "1"})
    with pytest.raises(ValueError, match="belongs to another run; batch: 4 in the run, 8 asked; data: absent"):
        load_checkpoint(tmp_path / "c.safetensors", {"recipe": "dcgan", "batch": "8", "kimg": "2", "data": "f"})


def test_damaged_checkpoint_is_one_clear_line(tmp_path):
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, tiny_run("gan").state(), IDENTITY)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="no checkpoint that can be read.*remove it to start anew"):
        peek(path)


def test_full_disk_keeps_the_old_checkpoint_and_goes_on(tmp_path, monkeypatch, caplog):
    path = tmp_path / "c.safetensors"
    run = tiny_run("gan", observers=[Checkpoints(path, IDENTITY, every_s=0)])
    run.advance()
    run.observers[-1].after_round(run)
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    run.fit()
    assert run.finished and path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    assert "No space left on device); the one of 0.0 kimg stays, training goes on" in caplog.text


def test_a_checkpoint_goes_back_with_its_run(tmp_path):
    path = tmp_path / "c.safetensors"
    tiny_run("gan", observers=[Checkpoints(path, IDENTITY)]).fit()
    behind = tiny_run("gan", observers=[Checkpoints(path, IDENTITY)])
    behind.advance()
    behind.observers[-1].on_start(behind)
    assert peek(path)[0]["nimg"] == behind.nimg < 32


def test_log_is_cut_back_to_the_checkpoint(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"nimg": 4}\n{"nimg": 8}\n{"nimg": 99}\n{"ni')
    run = tiny_run("gan")
    run.game.nimg = 8
    Log(path).on_start(run)
    assert path.read_text() == '{"nimg": 4}\n{"nimg": 8}\n'


def test_timeline_goes_back_with_the_run_and_on_with_a_raised_budget(tmp_path):
    def timeline():
        return [d["nimg"] for d in json.loads((tmp_path / "timeline.json").read_text())["snapshots"]]

    run = tiny_run("gan", kimg=1.2, observers=[Snapshots(tmp_path)])
    run.fit()
    assert timeline() == [0, 1000, 1200]  # the marks, and the end
    run.recipe = replace(run.recipe, kimg=2.0)
    run.fit()
    assert timeline() == [0, 1000, 1200, 2000]
    run.game.nimg = 1100
    run.observers[-1].on_start(run)
    assert timeline() == [0, 1000] and len(list(tmp_path.glob("*.webp"))) == 2


def test_snapshot_marks():
    assert log_spaced_kimg(30) == [0, 1, 2, 5, 10, 20]
    assert log_spaced_kimg(0.5) == [0]


def test_settled_bakes_spectral_norm_and_leaves_the_run_alone():
    run = tiny_run("biggan")
    for _ in range(3):
        run.advance()
    baked = settled(run.game.G_ema)
    assert baked.config["spectral"] is False and not [k for k in baked.state_dict() if "parametrizations" in k]
    for name, module in run.game.G_ema.named_modules():
        if hasattr(module, "parametrizations"):
            sigma = torch.linalg.matrix_norm(module.parametrizations.weight.original.flatten(1), 2)
            expected = module.parametrizations.weight.original / sigma
            torch.testing.assert_close(baked.get_submodule(name).weight, expected, rtol=2e-2, atol=1e-4)
    run.advance()  # goes on


def test_settled_estimates_batch_norm_of_the_averaged_weights():
    run = tiny_run("dcgan")
    for _ in range(4):
        run.advance()
    a, b = settled(run.game.G_ema), settled(run.game.G_ema)
    norms = [m for m in a.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    z = a.latent.sample(1024, generator=torch.Generator().manual_seed(0))
    first = a.first(a.mapping(z)[:, 0, :, None, None])
    torch.testing.assert_close(norms[0].running_mean, first.mean((0, 2, 3)), rtol=1e-3, atol=1e-5)
    assert all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values()))
    assert not torch.equal(norms[0].running_var, run.game.G_ema.blocks[0].running_var)


@pytest.mark.parametrize("name", RECIPES)
def test_export_is_a_whole_model_folder(name, tmp_path):
    run = tiny_run(name, observers=[Snapshots(tmp_path / "s")])
    run.fit()
    images = tiny_images(classes=3)
    data = dict(name="tiny", images=64, classes=3, fingerprint="f", licence="CC0")
    entry = RECIPES[name]
    provenance = Provenance(name, entry.parent, [], entry.paper, entry.note, changes(entry, images.spec),
                            run.recipe.to_json(), data, "python -m train", 0, run.nimg, 0.1, "a CPU")
    names = images.spec.class_names if run.recipe.latent.classes else ()
    export(run.game.G_ema, tmp_path / "m", provenance, class_names=names, snapshots=tmp_path / "s")
    assert {p.name for p in (tmp_path / "m").iterdir()} == {
        "config.json", "model.safetensors", "training.json", "README.md", "samples.png", "timeline"}
    model = hub.load(tmp_path / "m")
    reloaded, original = (draw(G, [Draw(s) for s in range(64)]).astype(int) for G in (model.G, settled(run.game.G_ema)))
    assert np.abs(reloaded - original).max() <= 1
    card = (tmp_path / "m" / "README.md").read_text()
    assert "CC0" in card and "python -m train" in card and model.training["recipe"] == name




@pytest.mark.parametrize(("classes", "count"), [(0, 64), (3, 64), (10, 100), (200, 100)])
def test_sample_sheet_is_sorted_by_class(classes, count):
    G = tiny_generator("dcgan", classes=classes)
    seeds = sample_seeds(G)
    assert len(set(seeds)) == count
    _, c = latents(G.latent, [Draw(s) for s in seeds])
    assert c is None or (c.tolist() == sorted(c.tolist()) and (classes != 10 or c.bincount().tolist() == [10] * 10))
