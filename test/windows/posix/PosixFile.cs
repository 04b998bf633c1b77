using System;

namespace Guestwire
{

class PosixFile : OpenFile
{
    // as OF_CONTENT of receiver.py: signatures of the old bytes, and the rights of the old program
    static readonly string[] OfContent = { "security.ima", "security.evm", "security.capability" };
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

    public override void Reserve(long size)
    {
        long there = Look().Size;
        if (size <= there) return;
        int number = Libc.posix_fallocate(_fd, there, size - there);    // ENOSPC, EDQUOT, EFBIG
        if (number != 28 && number != 122 && number != 27) return;
        Libc.Check(Libc.ftruncate(_fd, there));
        throw new SystemError(number == 28 ? "no-space" : number == 122 ? "quota" : "too-large", null, "no room", false);
    }

    public override void CutOff() { Libc.Check(Libc.ftruncate(_fd, Libc.lseek(_fd, 0, 1))); }

    public override void Flush() { Libc.Check(Libc.fsync(_fd)); }

    public override void SetMode(int mode, Notes notes)
    {
        Set(mode < 0 ? Libc.AllReadWrite & ~PosixPlatform.Umask : mode & Libc.AllBits, notes);
    }

    void Set(int mode, Notes notes)
    {
        if (Look().Mode != mode) notes.Attempt("mode", delegate { Libc.Check(Libc.fchmod(_fd, mode)); });
    }

    public override void SetTime(long mtime, Notes notes)
    {
        notes.CheckTime(mtime);
        notes.Attempt("times", delegate { Libc.Check(Libc.futimens(_fd, Libc.Times(mtime))); });
    }

    public override void TakeOver(string own, string old, int execute, Notes notes)
    {
        byte[] there = new byte[256], made = new byte[256];
        if (Libc.lstat(Libc.Path(old), there) < 0) return;
        Set(Libc.OwnerReadWrite, new Notes());
        int whole = Libc.ReadStat(there).Mode | (execute < 0 ? 0 : execute & Libc.Execute), mode = whole;
        Libc.Check(Libc.fstat(_fd, made));
        int user = Libc.UserOf(there), group = Libc.GroupOf(there);
        if (Libc.UserOf(made) != user || Libc.GroupOf(made) != group)
        {
            Job both = delegate { Libc.Check(Libc.fchown(_fd, user, group)); };
            if (!notes.Attempt("owner", both))
                notes.Attempt("owner", delegate { Libc.Check(Libc.fchown(_fd, -1, group)); });
            Libc.Check(Libc.fstat(_fd, made));
        }
        TakeAttributes(old, notes);
        bool keepsGroup = Libc.GroupOf(made) == group;
        if (Libc.UserOf(made) != user || !keepsGroup) mode &= ~Libc.SetIds;
        if (!keepsGroup || notes.Kinds.Contains("acl")) mode &= ~Libc.GroupBits | mode << 3;
        if (mode != whole) notes.Add("mode");
        Set(mode, notes);
    }

    /// <summary>Extended ones.</summary>
    void TakeAttributes(string old, Notes notes)
    {
        const string list = "system.posix_acl_access";
        string[] names = Libc.AttributeNames(old), own = Libc.AttributeNames("/proc/self/fd/" + _fd);
        foreach (string one in names)
        {
            string name = one;
            if (Array.IndexOf(OfContent, name) >= 0) continue;
            notes.Attempt(name.StartsWith("system.", StringComparison.Ordinal) ? "acl" : "xattr", delegate
            {
                byte[] value = Libc.Attribute(old, name);
                Libc.Check(Libc.fsetxattr(_fd, Libc.Path(name), value, new IntPtr(value.Length), 0));
            });
        }
        if (Array.IndexOf(own, list) >= 0 && Array.IndexOf(names, list) < 0) Libc.fremovexattr(_fd, Libc.Path(list));
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
