"""`kseg sys161`: options, messages, statistics and exit codes of System/161 (its manual,
"Running System/161")."""

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from kseg.api.machine import Machine
    from kseg.cli.output import Output
    from kseg.cli.session import Outcome

ATTENTION = 7
"""Ctrl-G asks for the debugger."""

FATAL = (
    "You did something the hardware didn't like.",
    "In real life the machine would hang for no apparent reason,",
    "or maybe start to act strangely.",
)

LATER = {
    "f": "no tracing yet; -f is ignored",
    "p": "no debugger yet; -p is ignored",
    "t": "no tracing yet; -t is ignored",
    "w": "no debugger yet to wait for; -w is ignored",
}
"""Options of System/161 that wait for what they are about."""


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("-c", "config", metavar="FILE", default="sys161.conf", help="Configuration file.")
@click.option("-C", "overrides", metavar="SLOT:ARG", multiple=True, help="Override an argument.")
@click.option("-D", "doom", metavar="COUNT", type=int, default=0, help="Set the doom counter.")
@click.option("-f", "trace_file", metavar="FILE", help="Trace to a file (not there yet).")
@click.option("-P", "profile", is_flag=True, help="Collect a profile in gmon.out.")
@click.option("-p", "port", metavar="PORT", type=int, help="Listen for gdb (not there yet).")
@click.option("-s", "pass_signals", is_flag=True, help="Ctrl-C and the like go to the guest.")
@click.option("-t", "trace_flags", metavar="FLAGS", multiple=True, help="Trace (not there yet).")
@click.option("-w", "wait", is_flag=True, help="Wait for a debugger first (not there yet).")
@click.option("-X", "no_debugger", is_flag=True, help="Exit instead of waiting for a debugger.")
@click.option("-Z", "timeout", metavar="SECONDS", type=int, help="Set the watchdog timer.")
@click.option("--report", "wants_report", is_flag=True, help="Report on a guest that has failed.")
@click.argument("kernel")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sys161(
    config: str,
    overrides: tuple[str, ...],
    doom: int,
    trace_file: str | None,
    profile: bool,
    port: int | None,
    pass_signals: bool,
    trace_flags: tuple[str, ...],
    wait: bool,
    no_debugger: bool,
    timeout: int | None,
    wants_report: bool,
    kernel: str,
    arguments: tuple[str, ...],
) -> None:
    """Boot KERNEL as System/161 does; the ARGUMENTS, joined by blanks, are its boot string.

    Besides a terminal, the console reads pipes and files. Exit codes: 0 power-off; 1 the guest
    failed; 2 usage, configuration or files; 3 doom; 5 the guest waits for input that has ended.
    """
    from kseg.api.machine import Machine
    from kseg.cli.output import Output
    from kseg.cli.run import finish
    from kseg.cli.seeing import GMON, Seeing
    from kseg.cli.session import Conditions, Session
    from kseg.errors import ConfigurationError, KsegError
    from kseg.machine.configuration import read_configuration
    from kseg.version import __version__

    output = Output("sys161")
    given = {
        "f": trace_file is not None,
        "p": port is not None,
        "t": bool(trace_flags),
        "w": wait and not no_debugger,
    }
    try:
        if timeout is not None and timeout < 2:
            raise ConfigurationError("Invalid timeout (must be at least 2)")
        machine = Machine(
            kernel,
            arguments,
            config=read_configuration(config, overrides),
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
        output.message(f"System/161 compatible, kseg {__version__}")
        for option, text in LATER.items():
            if given[option]:
                output.message(text)
        machine.engine.stop_on_break = not no_debugger
        if wait and no_debugger:
            output.message("Not waiting for debugger...")
        conditions = Conditions(escape=None, signals=not pass_signals, attention=ATTENTION)
        session = Session(machine, output, conditions)
        seeing = Seeing((), wants_report, GMON if profile else None)
        seeing.begin(machine, session)
        outcome = session.run()

        def end() -> None:
            report(machine, outcome, output, no_debugger)
            seeing.end(machine, outcome, output)

        finish(output, outcome, end)


def in_its_words(text: str) -> str:
    """What the machine has to say, as System/161 says it."""
    return f"{text}; dropping to debugger" if text.startswith("No progress in ") else text


def report(machine: "Machine", outcome: "Outcome", output: "Output", no_debugger: bool) -> None:
    """The last messages: statistics after a power-off, a reason otherwise."""
    from kseg.monitor.bare import StopReason

    reason = outcome.stop.reason
    if reason is StopReason.FATAL:
        for line in (outcome.stop.message, *FATAL):
            output.message(line)
    if reason is StopReason.POWER_OFF:
        for line in machine.statistics.lines():
            output.message(line)
    elif reason is StopReason.IDLE:
        output.message("the guest waits for input, but the input has ended")
    elif reason in (StopReason.NO_PROGRESS, StopReason.FATAL) and no_debugger:
        output.message("Exiting instead of waiting for debugger...")
    elif reason is not StopReason.DOOM and outcome.signal is None and not no_debugger:
        output.message("No debugger yet; exiting instead of waiting for one (see -X)...")
    output.finish_line()
