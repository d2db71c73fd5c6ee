"""System calls of OS/161 2.x: numbers (kern/include/kern/syscall.h), what they take
(userland/include, man/syscall), errors (kern/include/kern/errno.h)."""

from kseg.kernels.calls import Calls, calls_of

_CALLS = """
0 fork()
1 vfork()
2 execv(program:s, arguments:p)
3 _exit(code:d)
4 waitpid(pid:d, status:p, options:x)
5 getpid()
6 getppid()
7 sbrk(amount:d):x
8 mmap(length:u, protection:x, fd:d, offset:q):x
9 munmap(address:p)
10 mprotect(address:p, length:u, protection:x)
17 umask(mode:o):o
18 issetugid()
19 getresuid(real:p, effective:p, saved:p)
20 setresuid(real:d, effective:d, saved:d)
21 getresgid(real:p, effective:p, saved:p)
22 setresgid(real:d, effective:d, saved:d)
23 getgroups(count:d, groups:p)
24 setgroups(count:d, groups:p)
25 __getlogin(buffer:p, length:u)
26 __setlogin(name:s)
27 kill(pid:d, signal:d)
28 sigaction(signal:d, action:p, old:p)
29 sigpending(set:p)
30 sigprocmask(how:d, set:p, old:p)
31 sigsuspend(set:p)
32 sigreturn(context:p)
45 open(path:s, flags:x, mode:m)
46 pipe(fds:p)
47 dup(fd:d)
48 dup2(fd:d, to:d)
49 close(fd:d)
50 read(fd:d, buffer:p, length:u)
51 pread(fd:d, buffer:p, length:u, offset:q)
54 getdirentry(fd:d, buffer:p, length:u)
55 write(fd:d, data:w, length:u)
56 pwrite(fd:d, data:w, length:u, offset:q)
59 lseek(fd:d, offset:q, whence:d):q
60 flock(fd:d, how:x)
61 ftruncate(fd:d, size:q)
62 fsync(fd:d)
63 fcntl(fd:d, operation:d, argument:x)
64 ioctl(fd:d, code:x, data:p)
65 select(count:d, reads:p, writes:p, exceptions:p, timeout:p)
66 poll(fds:p, count:u, timeout:d)
67 link(path:s, new:s)
68 remove(path:s)
69 mkdir(path:s, mode:o)
70 rmdir(path:s)
71 mkfifo(path:s, mode:o)
72 rename(path:s, new:s)
73 access(path:s, how:x)
74 chdir(path:s)
75 fchdir(fd:d)
76 __getcwd(buffer:p, length:u)
77 symlink(target:s, path:s)
78 readlink(path:s, buffer:p, length:u)
79 mount(type:s, device:s, options:x)
80 unmount(path:s)
81 stat(path:s, status:p)
82 fstat(fd:d, status:p)
83 lstat(path:s, status:p)
84 utimes(path:s, times:p)
85 futimes(fd:d, times:p)
86 lutimes(path:s, times:p)
87 chmod(path:s, mode:o)
88 chown(path:s, user:d, group:d)
89 fchmod(fd:d, mode:o)
90 fchown(fd:d, user:d, group:d)
91 lchmod(path:s, mode:o)
92 lchown(path:s, user:d, group:d)
98 socket(family:d, type:d, protocol:d)
99 bind(fd:d, address:p, length:u)
100 connect(fd:d, address:p, length:u)
101 listen(fd:d, backlog:d)
102 accept(fd:d, address:p, length:p)
104 shutdown(fd:d, how:d)
105 getsockname(fd:d, address:p, length:p)
106 getpeername(fd:d, address:p, length:p)
107 getsockopt(fd:d, level:d, option:d, value:p, length:p)
108 setsockopt(fd:d, level:d, option:d, value:p, length:u)
113 __time(seconds:p, nanoseconds:p)
114 __settime(seconds:p, nanoseconds:p)
115 nanosleep(time:p, left:p)
118 sync()
119 reboot(code:d)
"""

_ERRORS = """
1 ENOSYS 3 ENOMEM 4 EAGAIN 5 EINTR 6 EFAULT 7 ENAMETOOLONG 8 EINVAL 9 EPERM 10 EACCES 11 EMPROC
12 ENPROC 13 ENOEXEC 14 E2BIG 15 ESRCH 16 ECHILD 17 ENOTDIR 18 EISDIR 19 ENOENT 20 ELOOP
21 ENOTEMPTY 22 EEXIST 23 EMLINK 24 EXDEV 25 ENODEV 26 ENXIO 27 EBUSY 28 EMFILE 29 ENFILE 30 EBADF
31 EIOCTL 32 EIO 33 ESPIPE 34 EPIPE 35 EROFS 36 ENOSPC 37 EDQUOT 38 EFBIG 39 EFTYPE 40 EDOM
41 ERANGE 42 EILSEQ 43 ENOTSOCK 44 EISSOCK 45 EISCONN 46 ENOTCONN 47 ESHUTDOWN 48 EPFNOSUPPORT
49 ESOCKTNOSUPPORT 50 EPROTONOSUPPORT 51 EPROTOTYPE 52 EAFNOSUPPORT 53 ENOPROTOOPT 54 EADDRINUSE
55 EADDRNOTAVAIL 56 ENETDOWN 57 ENETUNREACH 58 EHOSTDOWN 59 EHOSTUNREACH 60 ECONNREFUSED
61 ETIMEDOUT 62 ECONNRESET 63 EMSGSIZE 64 ENOTSUP
""".split()

CALLS = Calls(
    calls_of(_CALLS),
    {int(number): name for number, name in zip(_ERRORS[::2], _ERRORS[1::2], strict=True)},
)
