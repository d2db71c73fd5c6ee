"""`kseg guests`: the guests that come along."""

from kseg.cli import lazy_click as click


@click.command()
def guests() -> None:
    """List the guests that come with kseg: what each is, and how to boot it."""
    from kseg.api.guests import BUNDLED

    for name, guest in BUNDLED.items():
        click.echo(f"{name}: {guest.summary}")
        click.echo(f"    {guest.start}")
