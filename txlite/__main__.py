# Parses on any Python, so that an old one gets a clear line instead of a SyntaxError.
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
        from .cli import main

        gc.freeze()
        gc.enable()
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
