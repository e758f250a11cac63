"""Networks that are made of attention: CLIP, which joins pictures and words, and DINO."""
