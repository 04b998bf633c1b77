using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Guestwire
{

// libc is called directly, so that Mono and .NET behave alike; the numbers are those of Linux on x86-64.

static class Libc
{
    public const int ReadOnly = 0, WriteOnly = 1, ReadWrite = 2, Create = 0x40, Exclusive = 0x80, NoControl = 0x100,
        NonBlocking = 0x800, Directory = 0x10000, NoFollow = 0x20000, CloseOnExec = 0x80000;
    public const int Enoent = 2, Eintr = 4, Eagain = 11, Eexist = 17, Einval = 22;
    public const int LockExclusive = 2, LockNow = 4;        // of flock: or EAGAIN
    public const int CurrentDirectory = -100, LinkItself = 0x100;   // of utimensat: AT_FDCWD, AT_SYMLINK_NOFOLLOW
    public const int OwnerReadWrite = 0x180, AllReadWrite = 0x1b6, AllBits = 0x1ff, Sticky = 0x200, SetGroupId = 0x400,
        SetIds = 0xc00, GroupBits = 0x38, Execute = 0x49;       // of a mode
    public const short PollIn = 1, PollOut = 4;
    public const int EpollAdd = 1;
    public const uint EpollIn = 1, EpollEdge = 0x80000000;
    public const int FromStart = 0, AtOnce = 0;             // of lseek, of tcsetattr
    public const uint B115200 = 0x1002;
    public const uint ReceiverOn = 0x80, IgnoreModemLines = 0x800, HangUpOnClose = 0x400, HardwareFlow = 0x80000000;

    [StructLayout(LayoutKind.Sequential)]
    public struct PollFd { public int Fd; public short Events, Got; }

    [DllImport("libc", SetLastError = true)] public static extern int open(byte[] path, int flags, int mode);
    [DllImport("libc", SetLastError = true)] public static extern int close(int fd);
    [DllImport("libc", SetLastError = true)] public static extern IntPtr read(int fd, IntPtr data, IntPtr count);
    [DllImport("libc", SetLastError = true)] public static extern IntPtr write(int fd, IntPtr data, IntPtr count);
    [DllImport("libc", SetLastError = true)] public static extern int poll(PollFd[] fds, IntPtr count, int timeout);
    [DllImport("libc", SetLastError = true)] public static extern long lseek(int fd, long offset, int whence);
    [DllImport("libc", SetLastError = true)] public static extern int ftruncate(int fd, long length);
    [DllImport("libc", SetLastError = true)] public static extern int fsync(int fd);
    [DllImport("libc")] public static extern int posix_fallocate(int fd, long from, long length);   // an error's number
    [DllImport("libc", SetLastError = true)] public static extern int access(byte[] path, int what);
    [DllImport("libc", SetLastError = true)] public static extern int fchmod(int fd, int mode);
    [DllImport("libc", SetLastError = true)] public static extern int fchown(int fd, int user, int group);
    [DllImport("libc", SetLastError = true)] static extern IntPtr listxattr(byte[] path, byte[] made, IntPtr size);
    [DllImport("libc", SetLastError = true)] static extern IntPtr getxattr(byte[] path, byte[] name, byte[] made, IntPtr size);
    [DllImport("libc", SetLastError = true)]
    public static extern int fsetxattr(int fd, byte[] name, byte[] value, IntPtr size, int flags);
    [DllImport("libc", SetLastError = true)] public static extern int fremovexattr(int fd, byte[] name);
    [DllImport("libc", SetLastError = true)] public static extern int flock(int fd, int operation);
    [DllImport("libc", SetLastError = true)] public static extern int fstat(int fd, byte[] facts);
    [DllImport("libc", SetLastError = true)] public static extern int lstat(byte[] path, byte[] facts);
    [DllImport("libc", SetLastError = true)] public static extern int statvfs(byte[] path, byte[] facts);
    [DllImport("libc", SetLastError = true)] public static extern int mkdir(byte[] path, int mode);
    [DllImport("libc", SetLastError = true)] public static extern int chmod(byte[] path, int mode);
    [DllImport("libc", SetLastError = true)] public static extern int unlink(byte[] path);
    [DllImport("libc", SetLastError = true)] public static extern int link(byte[] from, byte[] to);
    [DllImport("libc", SetLastError = true)] public static extern int rename(byte[] from, byte[] to);
    [DllImport("libc", SetLastError = true)] public static extern int symlink(byte[] target, byte[] path);
    [DllImport("libc", SetLastError = true)] public static extern IntPtr readlink(byte[] path, byte[] made, IntPtr size);
    [DllImport("libc", SetLastError = true)] public static extern IntPtr realpath(byte[] path, byte[] made);
    [DllImport("libc", SetLastError = true)] public static extern int futimens(int fd, long[] times);
    [DllImport("libc", SetLastError = true)] public static extern int utimensat(int fd, byte[] path, long[] times, int flags);
    [DllImport("libc", SetLastError = true)] public static extern int tcgetattr(int fd, byte[] settings);
    [DllImport("libc", SetLastError = true)] public static extern int tcsetattr(int fd, int when, byte[] settings);
    [DllImport("libc", SetLastError = true)] public static extern int tcdrain(int fd);
    [DllImport("libc", SetLastError = true)] public static extern int pipe2(int[] ends, int flags);
    [DllImport("libc", SetLastError = true)] public static extern int epoll_create1(int flags);
    [DllImport("libc", SetLastError = true)] public static extern int epoll_ctl(int epoll, int what, int fd, byte[] wanted);
    [DllImport("libc", SetLastError = true)] public static extern int epoll_wait(int epoll, byte[] got, int most, int timeout);
    [DllImport("libc")] public static extern void cfmakeraw(byte[] settings);
    [DllImport("libc")] public static extern int cfsetspeed(byte[] settings, uint speed);
    [DllImport("libc")] public static extern int umask(int mask);
    [DllImport("libc")] public static extern int geteuid();
    [DllImport("libc")] public static extern IntPtr strerror(int number);

    public static byte[] Path(string path) { return Encoding.UTF8.GetBytes(path + "\0"); }

    /// <summary>Behind symbolic links; null if it leads nowhere, and then Error tells why.</summary>
    public static string RealPath(string path)
    {
        byte[] made = new byte[8192];
        return realpath(Path(path), made) == IntPtr.Zero ? null
            : Encoding.UTF8.GetString(made, 0, Array.IndexOf(made, (byte)0));
    }

    /// <summary>The number of the last error, for which the caller has no use itself.</summary>
    public static SystemError Error()
    {
        int number = Marshal.GetLastWin32Error();
        string message = Marshal.PtrToStringAnsi(strerror(number));
        // ENOENT, EIO, ENXIO, EBADF, ENODEV, EPIPE
        bool gone = Array.IndexOf(new int[] { 2, 5, 6, 9, 19, 32 }, number) >= 0;
        switch (number)
        {
            case 1: return new SystemError("permission", "EPERM", message, gone);
            case 2: return new SystemError("no-directory", "ENOENT", message, gone);
            case 13: return new SystemError("permission", "EACCES", message, gone);
            case 16: return new SystemError("io", "EBUSY", message, gone);
            case 17: return new SystemError("exists", "EEXIST", message, gone);
            case 20: return new SystemError("not-a-directory", "ENOTDIR", message, gone);
            case 21: return new SystemError("is-directory", "EISDIR", message, gone);
            case 22: return new SystemError("bad-name", "EINVAL", message, gone);
            case 26: return new SystemError("sharing", "ETXTBSY", message, gone);
            case 27: return new SystemError("too-large", "EFBIG", message, gone);
            case 28: return new SystemError("no-space", "ENOSPC", message, gone);
            case 30: return new SystemError("read-only-filesystem", "EROFS", message, gone);
            case 36: return new SystemError("name-too-long", "ENAMETOOLONG", message, gone);
            case 40: return new SystemError("io", "ELOOP", message, gone);
            case 84: return new SystemError("bad-name", "EILSEQ", message, gone);
            case 122: return new SystemError("quota", "EDQUOT", message, gone);
            default: return new SystemError("io", null, message, gone);
        }
    }

    public static int Check(int result)
    {
        if (result < 0) throw Error();
        return result;
    }

    /// <summary>read() or write() on part of an array; -1 for EAGAIN.</summary>
    public static int Transfer(bool reading, int fd, byte[] data, int offset, int count)
    {
        GCHandle pinned = GCHandle.Alloc(data, GCHandleType.Pinned);
        try
        {
            IntPtr at = new IntPtr(pinned.AddrOfPinnedObject().ToInt64() + offset);
            while (true)
            {
                int done = (int)(reading ? read(fd, at, new IntPtr(count)) : write(fd, at, new IntPtr(count)));
                if (done >= 0) return done;
                int number = Marshal.GetLastWin32Error();
                if (number == Eagain) return -1;
                if (number != Eintr) throw Error();
            }
        }
        finally { pinned.Free(); }
    }

    /// <summary>True if the event is there within the time; hang-ups and errors count.</summary>
    public static bool Poll(int fd, short events, int milliseconds)
    {
        PollFd[] one = new PollFd[1];
        one[0].Fd = fd;
        one[0].Events = events;
        return poll(one, new IntPtr(1), milliseconds) > 0;
    }

    /// <summary>Until one of them has something to read, or hangs up.</summary>
    public static void AwaitInput(int first, int second)
    {
        PollFd[] both = new PollFd[2];
        both[0].Fd = first;
        both[1].Fd = second;
        both[0].Events = both[1].Events = PollIn;
        poll(both, new IntPtr(2), -1);
    }

    /// <summary>struct epoll_event begins with the events; which port it was is not asked.</summary>
    public static void Watch(int epoll, int fd, uint events)
    {
        byte[] wanted = new byte[16];
        Buffer.BlockCopy(BitConverter.GetBytes(events), 0, wanted, 0, 4);
        Check(epoll_ctl(epoll, EpollAdd, fd, wanted));
    }

    public static int UserOf(byte[] stat) { return BitConverter.ToInt32(stat, 28); }

    public static int GroupOf(byte[] stat) { return BitConverter.ToInt32(stat, 32); }

    /// <summary>Of a file's extended attributes; none where they can't be had.</summary>
    public static string[] AttributeNames(string path)
    {
        byte[] made = new byte[65536];
        int size = (int)listxattr(Path(path), made, new IntPtr(made.Length));
        string[] names = Encoding.UTF8.GetString(made, 0, Math.Max(size, 0)).Split('\0');
        Array.Resize(ref names, names.Length - 1);
        return names;
    }

    public static byte[] Attribute(string path, string name)
    {
        byte[] made = new byte[65536];
        int size = Check((int)getxattr(Path(path), Path(name), made, new IntPtr(made.Length)));
        Array.Resize(ref made, size);
        return made;
    }

    /// <summary>What tells apart the files of a directory: st_ino is at 8.</summary>
    public static long FileNumber(byte[] stat) { return BitConverter.ToInt64(stat, 8); }

    /// <summary>struct stat: the mode at 24, user 28, size 48, mtime 88, links 16.</summary>
    public static Facts ReadStat(byte[] stat)
    {
        Facts facts = new Facts();
        int mode = BitConverter.ToInt32(stat, 24);
        switch (mode & 0xf000)
        {
            case 0x8000: facts.Kind = "file"; break;
            case 0x4000: facts.Kind = "directory"; break;
            case 0xa000: facts.Kind = "symlink"; break;
            case 0x2000: facts.Kind = "device"; break;
            default: facts.Kind = "special"; break;
        }
        facts.Mode = mode & 0xfff;
        facts.Size = BitConverter.ToInt64(stat, 48);
        facts.Mtime = BitConverter.ToInt64(stat, 88) * 1000000000 + BitConverter.ToInt64(stat, 96);
        facts.OnlyLink = BitConverter.ToInt64(stat, 16) == 1;
        facts.Ours = BitConverter.ToInt32(stat, 28) == geteuid();
        return facts;
    }

    /// <summary>Access and modification time for utimensat.</summary>
    public static long[] Times(long mtime)
    {
        long seconds = mtime / 1000000000, rest = mtime % 1000000000;
        if (rest < 0) { seconds--; rest += 1000000000; }
        return new long[] { seconds, rest, seconds, rest };
    }
}

}
