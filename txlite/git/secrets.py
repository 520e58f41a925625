"""Which new files look like secrets, so that nobody's key is committed at three in the morning.

By name only, but for private keys, which `git` looks for by what they begin with. Called by `index`.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase

NAMES = (
    ".env", ".env.*", "*.env", ".envrc", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", "_netrc", ".pgpass", ".htpasswd", ".git-credentials",
    ".npmrc", ".pypirc", "credentials", "credentials.*", "*credentials*.json", "secret.*", "secrets.*",
    "*service-account*.json", "*service_account*.json", "*.tfstate", "*.tfstate.backup",
)  # fmt: skip
HARMLESS = ("*.example", "*.sample", "*.template", "*.dist", "*.pub", "*.md", "*.py", "*.rs", "*.go", "*.ts", "*.js",
            "*.java", "*.rb", "*.c", "*.h")  # fmt: skip
PRIVATE_KEY = "-----BEGIN [A-Z ]*PRIVATE KEY-----"


def is_sensitive(path: str) -> bool:
    """Return whether a file with this path, from the top of its working tree, looks like a secret."""
    name = os.path.basename(path).lower()
    return any(fnmatchcase(name, one) for one in NAMES) and not any(fnmatchcase(name, one) for one in HARMLESS)


def is_allowed(path: str, patterns: tuple[str, ...]) -> bool:
    """Return whether somebody said that it is none: by its path or its name, or a pattern of fnmatch for either."""
    return any(fnmatchcase(path, one) or fnmatchcase(os.path.basename(path), one) for one in patterns)
