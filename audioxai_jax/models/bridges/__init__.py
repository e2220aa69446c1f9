"""Models of other frameworks as JAX functions; each bridge needs an extra, imported when used.

Nothing here is imported by the rest of the library before it is wanted.
"""
