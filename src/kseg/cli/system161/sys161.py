"""`kseg sys161`: options, messages, statistics and exit codes of System/161 (its manual,
"Running System/161")."""

import re
import sys
from typing import TYPE_CHECKING

from kseg.cli import lazy_click as click
from kseg.cli import options
from kseg.cli.parameters import File, Text

if TYPE_CHECKING:
    from kseg.api.machine import Machine
    from kseg.cli.console.session import Outcome
    from kseg.cli.output import Output
    from kseg.machine.board import MeterServer
    from kseg.monitor.stop import Stop

METER = ".sockets/meter"

ATTENTION = 7
"""Ctrl-G asks for the debugger."""

FATAL = (
    "You did something the hardware didn't like.",
    "In real life the machine would hang for no apparent reason,",
    "or maybe start to act strangely.",
)


@click.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "-c", "config", type=File("configuration"), default="sys161.conf", help="Configuration file."
)
@click.option("-C", "overrides", type=Text("SLOT:ARG"), multiple=True, help="Override an argument.")
@click.option("-D", "doom", metavar="COUNT", type=int, default=0, help="Set the doom counter.")
@click.option("-f", "trace_file", type=File(), help="Trace to a file; - is stdout.")
@click.option("-P", "profile", is_flag=True, help="Collect a profile in gmon.out.")
@click.option(
    "-p",
    "port",
    type=Text("[HOST:]PORT"),
    help="Listen for gdb at a TCP port (of this host only, unless HOST says otherwise).",
)
@click.option("-s", "pass_signals", is_flag=True, help="Ctrl-C and the like go to the guest.")
@click.option(
    "-t", "trace_flags", type=Text("FLAGS"), multiple=True, help="Trace: letters of kujtxidne."
)
@click.option("-w", "wait", is_flag=True, help="Wait for a debugger first.")
@click.option("-X", "no_debugger", is_flag=True, help="Exit instead of waiting for a debugger.")
@click.option("-Z", "timeout", metavar="SECONDS", type=int, help="Set the watchdog timer.")
@options.overlay
@click.option("--report", "wants_report", is_flag=True, help="Report on a guest that has failed.")
@options.engine
@options.quantum
@options.pace("fast", "real", "system161")
@options.kernel
@options.arguments
def sys161(
    config: str,
    overrides: tuple[str, ...],
    doom: int,
    trace_file: str | None,
    profile: bool,
    port: str | None,
    pass_signals: bool,
    trace_flags: tuple[str, ...],
    wait: bool,
    no_debugger: bool,
    timeout: int | None,
    overlay: bool,
    wants_report: bool,
    engine: str,
    quantum: int | None,
    pace: str,
    kernel: str,
    arguments: tuple[str, ...],
) -> None:
    """Boot KERNEL as System/161 does; the ARGUMENTS, joined by blanks, are its boot string.

    Besides a terminal, the console reads pipes and files. Exit codes: 0 power-off; 1 the guest
    failed; 2 usage, configuration or files; 3 doom; 5 the guest waits for input that has ended.
    """
    from kseg.api.machine import Machine
    from kseg.boards.system161.configuration import read_configuration
    from kseg.cli.console.diagnostics import GMON, Diagnostics
    from kseg.cli.console.session import Conditions, Session
    from kseg.cli.ending import finish
    from kseg.cli.output import Output
    from kseg.cli.system161.trace import System161Trace
    from kseg.errors import ConfigurationError, KsegError
    from kseg.version import __version__

    output = Output("sys161")
    output.shows_again = False  # Neither does System/161.
    try:
        if port is not None and re.fullmatch(r"(\[.*\]:|.*:)?\d{1,5}", port) is None:
            raise ConfigurationError(f"-p {port}: give a port, or HOST:PORT")
        if timeout is not None and timeout < 2:
            raise ConfigurationError("Invalid timeout (must be at least 2)")
        tracing = System161Trace(trace_flags, trace_file, output)
        machine = Machine(
            kernel,
            arguments,
            config=read_configuration(config, overrides),
            overlay=overlay,
            engine=engine,
            quantum=quantum or 1,
            doom=max(doom, 0),
            progress_timeout=timeout or 0,
            stop_for_debugger=not no_debugger,
            output=output.console,
            message=lambda text: output.message(in_its_words(text)),
        )
    except KsegError as error:
        output.message(str(error))
        sys.exit(error.exit_code)
    with machine:
        meter = _serve_meter(machine, output)
        output.message(f"System/161 compatible, kseg {__version__}")
        if tracing.enabled:
            output.message(f"Tracing enabled: {tracing.enabled}")
        tracing.attach(machine)
        machine.engine.stop_on_break = not no_debugger
        if wait and no_debugger:
            output.message("Not waiting for debugger...")
        conditions = Conditions(pace, None, signals=not pass_signals, attention=ATTENTION)
        session = Session(machine, output, conditions)
        reporter = Reporter(machine, output)
        if port is not None or not no_debugger:
            from kseg.cli.system161.debugger import SocketDebugger

            try:
                session.debugger = SocketDebugger(
                    machine,
                    output,
                    port=port,
                    waits=not no_debugger,
                    wait=wait and not no_debugger,
                    say_why=reporter.say_why,
                )
            except KsegError as error:
                output.message(str(error))
                sys.exit(error.exit_code)
        diagnostics = Diagnostics((), wants_report, GMON if profile else None)
        diagnostics.begin(machine)
        if meter is not None:
            meter.start()
        outcome = session.run()

        def end() -> None:
            tracing.end()
            reporter.report(outcome)
            diagnostics.end(machine, outcome, output)

        finish(output, outcome, end, machine.close)


def _serve_meter(machine: "Machine", output: "Output") -> "MeterServer | None":
    """Make the socket before anything is said: test161 connects when it sees the first line."""
    from kseg.errors import KsegError

    try:
        return machine.serve_meter(METER)
    except KsegError as error:
        output.message(f"{error}; metering disabled")
        return None


def in_its_words(text: str) -> str:
    """What the machine has to say, as System/161 says it."""
    return f"{text}; dropping to debugger" if text.startswith("No progress in ") else text


class Reporter:
    """Says how it ends."""

    def __init__(self, machine: "Machine", output: "Output") -> None:
        self._machine, self._output = machine, output
        self._said: Stop | None = None

    def say_why(self, stop: "Stop") -> None:
        """What the guest did that its hardware does not survive, if that is it."""
        from kseg.monitor.stop import StopReason

        if stop.reason is StopReason.FATAL and stop != self._said:
            self._said = stop
            for line in (stop.message, *FATAL):
                self._output.message(line)

    def report(self, outcome: "Outcome") -> None:
        """The last messages: statistics after a power-off, a reason otherwise."""
        from kseg.monitor.stop import StopReason

        output, reason = self._output, outcome.stop.reason
        waits = (StopReason.NO_PROGRESS, StopReason.FATAL, StopReason.BREAK, StopReason.DEBUGGER)
        seen = outcome.stop == self._said
        self.say_why(outcome.stop)
        if reason is StopReason.POWER_OFF:
            for line in self._machine.statistics.lines():
                output.message(line)
        elif reason is StopReason.IDLE:
            output.message("the guest waits for input, but the input has ended")
        elif reason is StopReason.INTERRUPTED and outcome.stop.message:
            output.message("Debugger requested kill")
        elif reason in waits and not seen:
            output.message("Exiting instead of waiting for debugger...")
        output.finish_line()
