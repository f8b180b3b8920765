"""Layers that two families or more share."""

from gan.layers.blocks import (
    AppendClass,
    ConditionalBatchNorm,
    Norm,
    ResDown,
    ResUp,
    init_normal,
    minibatch_std,
    norm_layer,
    spectral_normalise,
)
from gan.layers.equalised import (
    ACTIVATION_GAIN,
    EqualConv,
    EqualHead,
    EqualLinear,
    StdFeatures,
    StyleMapping,
    activated,
    halving_plan,
    pixel_norm,
)
from gan.layers.patches import PatchDiscriminator, beside
from gan.layers.prepared import Prepared, prepare
from gan.layers.resampling import UpConv, Upsampling, smooth, smooth_down, smooth_up, up_block

__all__ = ["ACTIVATION_GAIN", "AppendClass", "ConditionalBatchNorm", "EqualConv", "EqualHead", "EqualLinear",
           "Norm", "PatchDiscriminator", "Prepared", "ResDown", "ResUp", "StdFeatures", "StyleMapping",
           "UpConv", "Upsampling", "activated", "beside", "halving_plan", "init_normal", "minibatch_std",
           "norm_layer", "pixel_norm", "prepare", "smooth", "smooth_down", "smooth_up", "spectral_normalise",
           "up_block"]
