"""Codecs whose weights others published: their files, read into this library's networks."""
