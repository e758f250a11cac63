"""Choosing pictures for words where no network compares the two: by what the pictures' captions say."""
