"""Guestwire receiver: writes the files a host sends over a serial port,
a virtio console or a virtio channel.

    receiver.py [PORT...] [--root DIR] [--read-only] [--log-level LEVEL]

Needs Python 3.6 or later and nothing but its standard library; one file, so
that it can be pasted into a guest that has no network.  What goes over the
line is described in PROTOCOL.md, whose section numbers the comments cite.

Threads of one port, and who may touch what:

    port thread    the device, the parser, Session's numbers and clocks; it
                   never touches a disk, so a PING is answered in time
    worker thread  requests in the order of their frames: walks paths, opens
                   and writes files, decodes, copies from a basis, hashes
                   what passes
    finishers      up to four, for slow work: flush and rename of a commit, the
                   hash of a stat or of a partial file, signatures
"""
