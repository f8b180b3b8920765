"""Colours, fonts and sizes of the page; theme.css adds what a theme cannot say."""

from __future__ import annotations

import gradio as gr
from gradio.themes.utils.fonts import LocalFont

__all__ = ["theme"]


def theme() -> gr.themes.Base:
    """White walls, ink, one warm accent; fonts that come with Gradio, so that nothing is asked of another host."""
    accent = gr.themes.Color("#fbf3ef", "#f6e3da", "#edc7b6", "#e2a68c", "#d58263", "#c1623f", "#a64f30", "#863f27",
                             "#6b3422", "#572c1f", "#33170f")
    # Gradio brings whole files of this font at 400 and 700; its SemiBold, and some other fonts, hold few letters
    sans = (LocalFont("IBM Plex Sans", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif")
    mono = (LocalFont("IBM Plex Mono", weights=(400,)), "ui-monospace", "monospace")
    return gr.themes.Base(primary_hue=accent, secondary_hue=accent, neutral_hue=gr.themes.colors.stone,
                          radius_size=gr.themes.sizes.radius_md, font=sans, font_mono=mono).set(
        body_background_fill="#faf9f7", body_background_fill_dark="#151413",
        body_text_color="#23201d", body_text_color_dark="#ece8e3",
        body_text_color_subdued="#6f6a64", body_text_color_subdued_dark="#a39d96",
        background_fill_primary="#ffffff", background_fill_primary_dark="#1e1c1b",
        background_fill_secondary="#f4f2ef", background_fill_secondary_dark="#262422",
        border_color_primary="#e4e0da", border_color_primary_dark="#37332f",
        block_background_fill="transparent", block_background_fill_dark="transparent",
        block_border_width="0px", block_border_width_dark="0px", block_shadow="none", block_shadow_dark="none",
        block_padding="0", block_label_background_fill="transparent", block_label_background_fill_dark="transparent",
        block_title_text_color="*body_text_color", block_title_text_color_dark="*body_text_color",
        block_title_text_weight="700", block_info_text_color="*body_text_color_subdued",
        input_background_fill="#ffffff", input_background_fill_dark="#1e1c1b", input_border_width="1px",
        input_border_color="#d8d3cc", input_border_color_dark="#45403b", input_shadow="none", input_shadow_dark="none",
        button_primary_background_fill="#23201d", button_primary_background_fill_dark="#ece8e3",
        button_primary_background_fill_hover="#45403b", button_primary_background_fill_hover_dark="#ffffff",
        button_primary_border_color="transparent", button_primary_border_color_dark="transparent",
        button_primary_text_color="#ffffff", button_primary_text_color_dark="#1e1c1b",
        button_secondary_background_fill="#ffffff", button_secondary_background_fill_dark="#262422",
        button_secondary_background_fill_hover="#f4f2ef", button_secondary_background_fill_hover_dark="#37332f",
        button_secondary_border_color="#d8d3cc", button_secondary_border_color_dark="#45403b",
        button_border_width="1px",
        slider_color="*primary_500", slider_color_dark="*primary_400")
