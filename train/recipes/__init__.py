"""The history of GANs as a table: one function a recipe, stating only what differs from ``train.recipe.Recipe``.

A recipe is a function because its terms carry state: every run gets fresh ones.
"""

from train.recipes import from_noise, from_pictures  # noqa: F401, each registers its recipes, in this order
from train.recipes.registry import RECIPES, NamedRecipe, ancestors, changes, find, sized, told_the_class

__all__ = ["RECIPES", "NamedRecipe", "ancestors", "changes", "find", "sized", "told_the_class"]
