from kseg.boards.system161.state_dump import dump, dump_tlb_entry
from kseg.devices.hex_dump import hex_dump
from tests.machine.boards import make_board


def test_a_tlb_entry() -> None:
    assert dump_tlb_entry(0x81000040, 0) == "vpn 0x81000000, pid 1,  ppn 0x00000000 (---)"
    assert dump_tlb_entry(0x00400FC0, 0x12345F00) == "vpn 0x00400000, global, ppn 0x12345000 (VDN)"


def test_a_whole_machine_has_all_its_parts() -> None:
    board = make_board("2 disk memory size=4M", "29 timer", "27 nic hwaddr=5")
    board.trace_flags.update("kx")
    text = "\n".join(dump(board))
    for part in (
        "Tracing enabled: kinsn exn",
        "clock: 0.004289383 secs elapsed (start at 1700000000.000000000)",
        ": net keepalive",
        "1 cpus: MIPS r3000",
        "r28: 0x00000000",
        "Status register: ---------B----------------------",
        "************ Slot 2 ************\nSystem/161 disk rev 2",
        "System/161 timer device rev 1",
        "LAMEbus multiprocessor controller rev 1",
        "RAM:\n     0:00 00",
    ):
        assert part in text


def test_runs_of_zeros_are_short() -> None:
    assert list(hex_dump(bytes(64) + b"Hello, world.\n\xff" + bytes(33))) == [
        "     0:" + "00 " * 16 + "................",
        "       *",
        "    40:48 65 6c 6c 6f 2c 20 77 6f 72 6c 64 2e 0a ff 00 Hello, world....",
        "       *",
        "    70:",
    ]


def test_what_is_pending_is_told_in_system161_s_words() -> None:
    board = make_board(
        "0 serial", "1 emufs", "2 disk memory size=4M", "29 timer", "27 nic hwaddr=5"
    )
    scheduled = [
        ("serial@0", "sent", 0, "serial write"),
        ("serial@0", "received", 0, "serial read"),
        ("emufs@1", "done", 0, "emufs"),
        ("disk@2", "seek", 0, "disk seek"),
        ("disk@2", "progress", 1, "disk cache write"),
        ("disk@2", "progress", 2, "disk rotation"),
        ("disk@2", "progress", 3, "disk cache read"),
        ("timer@29", "expired", 0, "timer"),
        ("nic@27", "send", 0, "packet send"),
        ("mainboard@31", "power off", 0, "poweroff"),
        ("meter", "perfmeter", 0, "perfmeter"),
    ]
    for number, (owner, name, argument, _) in enumerate(scheduled, 1):
        board.clock.schedule(number * 1_000_000, owner, name, argument)
    told = [line.rpartition(": ")[2] for line in dump(board) if line.startswith("clock: at")]
    assert told == [*(text for *_, text in scheduled), "net keepalive"]


def test_where_a_debugger_is_expected() -> None:
    board = make_board()
    assert "gdb support: not active, not listening" in dump(board)
    board.debugger_at = ".sockets/gdb"
    assert "gdb support: not active, listening at .sockets/gdb" in dump(board)
