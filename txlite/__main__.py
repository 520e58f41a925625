# Parses on any Python, so that an old one gets a clear line instead of a SyntaxError.
import os
import sys

if sys.version_info < (3, 9):
    sys.stderr.write(
        "txlite: needs Python 3.9 or newer, and this is %d.%d: run it with another, as python3.11 -m txlite\n"
        % sys.version_info[:2]
    )
    sys.exit(69)
if sys.platform == "win32":
    sys.stderr.write("txlite: needs a POSIX system, as Linux, macOS or WSL: Windows has no sessions and no flock\n")
    sys.exit(69)

if __name__ == "__main__":
    try:
        import gc

        gc.disable()  # what is imported stays: collections on the way would find nothing
        compiled = os.path.join(os.path.dirname(__file__), "__pycache__")
        kept = sys.dont_write_bytecode or sys.pycache_prefix or os.access(compiled, os.W_OK)
        if not kept and os.path.isfile(__file__):  # which an archive's is not
            from .home.code_cache import use

            use(__spec__)
        from .cli import main

        gc.freeze()
        gc.enable()
        code = main()
    except KeyboardInterrupt:
        code = 130
    import atexit

    try:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        if not code:
            sys.exit()  # as Python ends where nobody reads what it says: with a code of its own
    os._exit(code)  # the system takes the rest at once, where Python gives it back piece by piece, for 6 milliseconds
