"""Maps a file with python3's mmap and without filemap: the counterpart of its specs.

    segment.py PATH create SIZE   makes the file
    segment.py PATH open          opens an existing file

It prints READY, and then reads commands, one a line: `put OFFSET HEX` writes bytes, `get OFFSET LENGTH`
prints bytes as hex, and `size` prints the file's size.
"""
import mmap
import os
import sys


def main():
    path, how = sys.argv[1:3]
    flags = os.O_RDWR | (os.O_CREAT | os.O_EXCL if how == "create" else 0)
    fd = os.open(path, flags, 0o600)
    if how == "create":
        os.ftruncate(fd, int(sys.argv[3]))
    view = mmap.mmap(fd, 0)
    print("READY", flush=True)
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "put":
            data = bytes.fromhex(rest[1])
            view[int(rest[0]):int(rest[0]) + len(data)] = data
            print("done", flush=True)
        elif word == "get":
            offset, length = map(int, rest)
            print(view[offset:offset + length].hex(), flush=True)
        elif word == "size":
            print(os.fstat(fd).st_size, flush=True)


main()
