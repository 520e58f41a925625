"""txlite: a supervisor for parallel background work, on Python's standard library alone."""
def __getattr__(name):
    if name=='open':
        from .store import open_store
        return open_store
    raise AttributeError(name)
