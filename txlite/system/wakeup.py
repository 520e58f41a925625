"""How an idle worker learns that there is work.

Protocol, one FIFO a listener, in home's wake/:
  listener: show() the FIFO, then look for work, then sleep on `descriptor`; hide() it before looking again.
  ringer:   commit, then ring() one listener that shows itself.
Whoever was seen after the commit hides after it too, so its next look sees what was committed. The FIFO is
opened read-write: it never reports end-of-file, and a ringer never finds it without a reader. A FIFO left by
a dead process has no reader, and ringing it fails at once (fifo(7)). Where no FIFO can be made, listeners still look
every second or so at the database's change counter. `store` rings; the workers and supervisors of `execution` listen.
"""

from __future__ import annotations

import os


class Listener:
    """The FIFO of one worker or supervisor, named by its id."""

    def __init__(self, directory: str, name: str) -> None:
        self._shown = os.path.join(directory, name)
        self._hidden = os.path.join(directory, "." + name)
        self.descriptor = -1  # readable when it was rung; -1 where no FIFO can be made
        try:
            os.makedirs(directory, 0o700, exist_ok=True)
            os.mkfifo(self._hidden, 0o600)
            self.descriptor = os.open(self._hidden, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            self.close()

    def show(self) -> None:
        """Let ringers choose this listener from now on; earlier rings are forgotten."""
        if self.descriptor >= 0:
            self.drain()
            _rename(self._hidden, self._shown)

    def hide(self) -> None:
        """Let no more ringers choose this listener."""
        if self.descriptor >= 0:
            _rename(self._shown, self._hidden)

    def drain(self) -> None:
        """Forget the rings so far."""
        try:
            while self.descriptor >= 0 and len(os.read(self.descriptor, 4096)) == 4096:
                pass
        except BlockingIOError:
            pass

    def close(self) -> None:
        """Close and remove the FIFO."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        remove(os.path.dirname(self._shown), os.path.basename(self._shown))


def _rename(old: str, new: str) -> None:
    try:
        os.rename(old, new)
    except FileNotFoundError:
        pass  # somebody tidied wake/: the change counter serves instead


def listeners(directory: str) -> list[str]:
    """Return the names of those that show themselves."""
    try:
        return [name for name in os.listdir(directory) if not name.startswith(".")]
    except OSError:  # it is not there, or we may open no more files: those who sleep look by themselves
        return []


def changed(directory: str) -> int:
    """Return when somebody last began or ceased to show itself, in nanoseconds since the epoch; 0 where that is not
    known."""
    try:
        return os.stat(directory).st_mtime_ns
    except OSError:
        return 0


def all_names(directory: str) -> set[str]:
    """Return the names of all listeners, also of those that hide."""
    try:
        return {name.lstrip(".") for name in os.listdir(directory)}
    except (FileNotFoundError, NotADirectoryError):
        return set()


def ring(directory: str, name: str) -> bool:
    """Wake the listener `name`; return False if it is gone."""
    try:
        handle = os.open(os.path.join(directory, name), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.write(handle, b"!")
    except BlockingIOError:
        pass  # full: it has been rung often enough
    finally:
        os.close(handle)
    return True


def remove(directory: str, name: str) -> None:
    """Remove the FIFO of a listener that is gone."""
    for path in (os.path.join(directory, name), os.path.join(directory, "." + name)):
        try:
            os.unlink(path)
        except (FileNotFoundError, NotADirectoryError):
            pass
