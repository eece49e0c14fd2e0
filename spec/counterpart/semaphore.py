# A Python program that uses semaphores of sem_open(3) by the C library, without filemap.
#   semaphore.py NAME create COUNT | NAME open
# It then obeys lines of standard input: "wait", "post", "value".
import ctypes
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.sem_open.restype = ctypes.c_void_p
for call in (libc.sem_wait, libc.sem_post, libc.sem_close):
    call.argtypes = [ctypes.c_void_p]
libc.sem_getvalue.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_int)]

name = sys.argv[1].encode()
if sys.argv[2] == "create":
    sem = libc.sem_open(name, os.O_CREAT | os.O_EXCL, 0o600, ctypes.c_uint(int(sys.argv[3])))
else:
    sem = libc.sem_open(name, 0)
if not sem:
    sys.exit("sem_open: errno %d" % ctypes.get_errno())
print("READY", flush=True)
for line in sys.stdin:
    word = line.strip()
    if word == "value":
        value = ctypes.c_int()
        libc.sem_getvalue(sem, ctypes.byref(value))
        print(value.value, flush=True)
    else:
        call = {"wait": libc.sem_wait, "post": libc.sem_post}[word]
        print("done" if call(sem) == 0 else "errno %d" % ctypes.get_errno(), flush=True)
libc.sem_close(sem)
