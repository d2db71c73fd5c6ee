"""`kseg cache`: what generated code is kept on disk, and a way to be rid of it."""

from contextlib import suppress

from kseg.cli import lazy_click as click


@click.group()
def cache() -> None:
    """Show or empty the cache of generated machine code.

    The translator's translations of guests are kept there, and the compiled interpreter and the
    translator's stencils where they did not come with kseg, so that no start need make them.
    Nothing in it is ever needed: what is missing is made again. KSEG_CACHE_DIR names another place.
    """


@cache.command()
def info() -> None:
    """Where the cache lies, what is in it, and how large it is; and what came with kseg."""
    from kseg.engine.codegen import cache as kept
    from kseg.engine.codegen import shipped

    ready = shipped.entries()
    if ready:
        size = sum(path.stat().st_size for path in ready)
        click.echo(f"{size:>10}  bytes came with kseg, in {ready[0].parent}")

    click.echo(kept.directory())
    sizes = []
    for path in kept.entries():
        with suppress(FileNotFoundError):  # a machine that runs may remove old ones
            sizes.append(path.lstat().st_size)
            click.echo(f"{sizes[-1]:>10}  {path.name}")
    click.echo(f"{sum(sizes):>10}  bytes in {len(sizes)} file{'' if len(sizes) == 1 else 's'}")


@cache.command()
def clear() -> None:
    """Remove everything that kseg keeps there."""
    from kseg.engine.codegen import cache as kept

    entries = kept.entries()
    try:
        for path in entries:
            path.unlink(missing_ok=True)
    except OSError as error:
        from kseg.errors import KsegError

        raise KsegError(
            f"cannot remove {error.filename} ({error.strerror}); KSEG_CACHE_DIR names another place"
        ) from None
    click.echo(f"removed {len(entries)} file{'' if len(entries) == 1 else 's'}")
