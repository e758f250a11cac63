"""Networks that paint pictures at once, in plain torch: one file each."""
