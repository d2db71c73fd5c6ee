"""`kseg hub`: a hub for the network cards of machines on this host."""

from kseg.cli import lazy_click as click
from kseg.cli.parameters import File


@click.command()
@click.argument("socket", type=File(), default=".sockets/hub")
def hub(socket: str) -> None:
    """Let machines with network cards talk to each other, as hub161 does, until it is ended. SOCKET
    is what their configurations say with hub= (default: .sockets/hub).

    Try: kseg hub & then, in the same directory, two machines with lines such as
    "27 nic hwaddr=1" and "27 nic hwaddr=2" in their configurations.
    """
    from contextlib import closing

    from kseg.boards.system161.hub_server import Hub
    from kseg.cli.console.signals import Ended, handled
    from kseg.cli.output import Output
    from kseg.platform.signals import die_of

    output = Output("kseg hub")
    try:
        with handled(lambda: None, lambda: None), closing(Hub(socket, output.message)) as served:
            output.message(f"listening on {socket}")
            served.serve()
    except Ended as ended:
        die_of(ended.number)
