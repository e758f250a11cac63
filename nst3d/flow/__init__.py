"""Motion between pictures: how it is found, where it can be trusted, and what it says about a video's steadiness."""
