"""The refusal of a guest that is not as it was built."""

from xlbuild.errors import RefusedError, Where


def damaged(source: str, cause: str) -> RefusedError:
    """Return the error for a save file whose parts are whole, and one of which is not what it should be."""
    return RefusedError(
        "save-invalid",
        "it is damaged, or no whole save file",
        cause=cause,
        hint="copy it again from the host that wrote it, or save the guest again",
        where=Where(source),
    )


def has_run(source: str, cause: str) -> RefusedError:
    """Return the error for a guest that does not start as one that was just built; `cause` names what shows it."""
    return RefusedError(
        "domain-has-run",
        "the guest in it is not as it was built: it has run",
        cause=cause,
        hint="`xlbuild inspect` shows what there is; to compare a domain, take one that was just created and has "
        "not run: xl create -p",
        where=Where(source),
    )
