"""The kinds of scenes, as jobs see them."""
