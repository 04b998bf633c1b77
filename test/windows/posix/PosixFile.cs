namespace Guestwire
{

class PosixFile : OpenFile
{
    int _fd;

    public PosixFile(int fd) { _fd = fd; }

    public override int Read(byte[] data, int offset, int count)
    {
        return Libc.Transfer(true, _fd, data, offset, count);
    }

    public override void Write(byte[] data, int offset, int count)
    {
        double limit = Clock.Now + 30;
        while (count > 0)
        {
            int done = Libc.Transfer(false, _fd, data, offset, count);
            if (done < 0)
            {
                if (Clock.Now > limit) throw new SystemError("io", "ETIMEDOUT", "the device takes no data", false);
                Libc.Poll(_fd, Libc.PollOut, 200);
                continue;
            }
            offset += done;
            count -= done;
        }
    }

    public override void Seek(long position)
    {
        if (Libc.lseek(_fd, position, Libc.FromStart) < 0) throw Libc.Error();
    }

    public override void Truncate()
    {
        Libc.Check(Libc.ftruncate(_fd, 0));
        Seek(0);
    }

    public override void Flush() { Libc.Check(Libc.fsync(_fd)); }

    public override void SetAttributes(int mode, bool hasMtime, long mtime, Notes notes)
    {
        int wanted = mode < 0 ? Libc.AllReadWrite & ~PosixPlatform.Umask : mode & Libc.AllBits;
        if (Look().Mode != wanted) notes.Attempt("mode", delegate { Libc.Check(Libc.fchmod(_fd, wanted)); });
        if (hasMtime) notes.Attempt("times", delegate { Libc.Check(Libc.futimens(_fd, Libc.Times(mtime))); });
    }

    public override Facts Look()
    {
        byte[] stat = new byte[256];
        Libc.Check(Libc.fstat(_fd, stat));
        return Libc.ReadStat(stat);
    }

    public override void Close()
    {
        if (_fd >= 0) Libc.close(_fd);
        _fd = -1;
    }
}

}
