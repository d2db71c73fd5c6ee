"""System calls of cms (guests/cms/include/system_calls.h, guests/cms/lib/cms.h)."""

from kseg.kernels.calls import Calls, calls_of

_CALLS = """
1 exit(status:d)
2 spawn(path:s, arguments:p, input:d, output:d)
3 wait(process:d, status:p)
4 kill(process:d)
5 process_number()
6 yield()
7 sleep(milliseconds:u)
8 time(time:p)
9 limit(seconds:d)
10 grow_heap(change:d):x
11 protect(start:p, length:u, writable:d)
12 memory_status(status:p)
13 process_status(index:d, status:p)
14 halt()
15 open(path:s, flags:x)
16 close(file:d)
17 read(file:d, buffer:p, length:u)
18 write(file:d, data:w, length:u)
19 seek(file:d, offset:u)
20 read_directory(file:d, entry:p)
21 status(path:s, status:p)
22 remove(path:s)
23 rename(path:s, new:s)
24 make_directory(path:s)
25 change_directory(path:s)
26 working_directory(buffer:p)
27 read_key()
28 drive_status(index:d, status:p)
29 format_drive(drive:s)
"""

_ERRORS = """
NOT_FOUND EXISTS NOT_DIRECTORY IS_DIRECTORY NOT_EMPTY NO_SPACE READ_ONLY DAMAGED BAD_NAME
BAD_DESCRIPTOR BAD_ADDRESS BAD_ARGUMENT NO_MEMORY TOO_MANY NOT_SUPPORTED NO_DRIVE NOT_FORMATTED
INPUT_OUTPUT NOT_PROGRAM NO_PROCESS INTERRUPTED TOO_BIG BUSY
""".split()

CALLS = Calls(calls_of(_CALLS), dict(enumerate(_ERRORS, 1)), error_in_v0=False)
