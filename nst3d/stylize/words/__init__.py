"""What words say of views: the guide of styles in words."""

from nst3d.stylize.words.guide import WordsGuide

__all__ = ["WordsGuide"]
