"""Numbers that judge a painting: how sharp, how much alike from view to view."""
