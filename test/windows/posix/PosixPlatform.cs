using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;

namespace Guestwire
{

abstract partial class Platform
{
    static partial void ChooseOther(ref Platform found) { found = new PosixPlatform(); }
}

class PosixPlatform : Platform
{
    class Nothing : IDisposable { public void Dispose() { } }

    public static readonly int Umask = ReadUmask();

    static int ReadUmask()
    {
        int mask = Libc.umask(0);
        Libc.umask(mask);
        return mask;
    }

    public override string System { get { return Directory.Exists("/proc/self") ? "linux" : "posix"; } }
    public override char Separator { get { return '/'; } }
    public override string Capabilities { get { return "symlink,mode,mtime"; } }
    public override string Home { get { return Environment.GetEnvironmentVariable("HOME") ?? "/"; } }

    public override Place Parse(string path, string root)
    {
        if (path.StartsWith("~/", StringComparison.Ordinal)) path = Home + path.Substring(1);
        if (path[0] != '/') path = root + "/" + path;
        Place place = new Place();
        int slash = path.LastIndexOf('/');
        string name = path.Substring(slash + 1);
        bool whole = name.Length == 0 || name == "." || name == "..";
        place.Directory = whole ? path : slash == 0 ? "/" : path.Substring(0, slash);
        place.Name = whole ? "" : name;
        return place;
    }

    public override bool IsAbsolute(string path) { return path[0] == '/'; }

    /// <summary>Between this and the use of the path it may come to lead
    /// elsewhere; receiver.py, which is for these systems, holds descriptors.</summary>
    public override IDisposable Hold(string directory, out string real)
    {
        real = Libc.RealPath(directory);
        if (real == null) throw Libc.Error();
        if (Look(real).Kind != "directory")
            throw new SystemError("not-a-directory", "ENOTDIR", "Not a directory", false);
        return new Nothing();
    }

    public override string Parent(string directory)
    {
        int slash = directory.TrimEnd('/').LastIndexOf('/');
        return directory == "/" ? null : slash <= 0 ? "/" : directory.Substring(0, slash);
    }

    public override StringComparer NameComparer { get { return StringComparer.Ordinal; } }

    public override void CheckName(string name) { }

    public override Facts Look(string path)
    {
        byte[] stat = new byte[256];
        if (Libc.lstat(Libc.Path(path), stat) == 0) return Libc.ReadStat(stat);
        if (Marshal.GetLastWin32Error() == Libc.Enoent) return null;
        throw Libc.Error();
    }

    public override OpenFile Create(string path)
    {
        int flags = Libc.ReadWrite | Libc.Create | Libc.Exclusive | Libc.NoFollow | Libc.CloseOnExec;
        int fd = Libc.Check(Libc.open(Libc.Path(path), flags, Libc.OwnerReadWrite));
        // a file system without locks has no sweeps either
        bool taken = Libc.flock(fd, Libc.LockExclusive | Libc.LockNow) < 0 && Marshal.GetLastWin32Error() == Libc.Eagain;
        if (!taken && IsAt(path, fd)) return new PosixFile(fd);
        Libc.close(fd);
        throw new SystemError("exists", "EEXIST", "a sweep took it for an orphan before it was locked", false);
    }

    /// <summary>False if it was removed or replaced between its opening and its lock.</summary>
    static bool IsAt(string path, int fd)
    {
        byte[] opened = new byte[256], there = new byte[256];
        if (Libc.fstat(fd, opened) < 0 || Libc.lstat(Libc.Path(path), there) < 0) return false;
        return Libc.FileNumber(opened) == Libc.FileNumber(there);
    }

    public override OpenFile Open(string path, bool exclusively)
    {
        int flags = (exclusively ? Libc.ReadWrite : Libc.ReadOnly) | Libc.NoFollow | Libc.NonBlocking | Libc.NoControl
            | Libc.CloseOnExec;
        int fd = Libc.Check(Libc.open(Libc.Path(path), flags, 0));
        if (!exclusively || Libc.flock(fd, Libc.LockExclusive | Libc.LockNow) == 0 && IsAt(path, fd)) return new PosixFile(fd);
        Libc.close(fd);
        throw new SystemError("sharing", "EAGAIN", "the file is in use", false);
    }

    public override OpenFile OpenDevice(string path)
    {
        int flags = Libc.WriteOnly | Libc.NoFollow | Libc.NonBlocking | Libc.NoControl | Libc.CloseOnExec;
        return new PosixFile(Libc.Check(Libc.open(Libc.Path(path), flags, 0)));
    }

    public override bool MayWrite(string path) { return Libc.access(Libc.Path(path), 2) == 0; }

    public override OpenFile OpenToOverwrite(string path)
    {
        int flags = Libc.WriteOnly | Libc.NoFollow | Libc.NonBlocking | Libc.NoControl | Libc.CloseOnExec;
        return new PosixFile(Libc.Check(Libc.open(Libc.Path(path), flags, 0)));
    }

    public override OpenFile CreateSpool(long size)
    {
        string folder = Environment.GetEnvironmentVariable("TMPDIR") ?? "/var/tmp";
        long free = FreeBytes(folder);
        if (free >= 0 && size > free) throw new SystemError("no-space", "ENOSPC", "no room for a temporary file", false);
        string path = Join(folder, Names.Temporary());
        OpenFile made = Create(path);
        Delete(path);
        return made;
    }

    public override void Replace(string from, string to)
    {
        Libc.Check(Libc.rename(Libc.Path(from), Libc.Path(to)));
    }

    public override bool MoveNew(string from, string to)
    {
        if (Libc.link(Libc.Path(from), Libc.Path(to)) < 0)
        {
            if (Marshal.GetLastWin32Error() == Libc.Eexist) return false;
            throw Libc.Error();
        }
        Delete(from);
        return true;
    }

    public override void CheckReplaceable(string path) { }

    public override void Delete(string path) { Libc.Check(Libc.unlink(Libc.Path(path))); }

    public override bool DeleteUnused(string path)
    {
        Facts found = Look(path);
        if (found == null || found.Kind != "file") return false;
        OpenFile file;
        try { file = Open(path, true); }
        catch (SystemError) { return false; }
        Delete(path);
        file.Close();
        return true;
    }

    public override bool MakeDirectory(string path)
    {
        if (Libc.mkdir(Libc.Path(path), Libc.AllBits) == 0) return true;
        if (Marshal.GetLastWin32Error() == Libc.Eexist) return false;
        throw Libc.Error();
    }

    public override void SetAttributes(string path, int mode, bool hasMtime, long mtime, Notes notes)
    {
        Facts found = Look(path);
        bool directory = found != null && found.Kind == "directory";
        int kept = directory ? mode & (Libc.AllBits | Libc.Sticky) | found.Mode & Libc.SetGroupId : mode & Libc.AllBits;
        if (mode >= 0) notes.Attempt("mode", delegate { Libc.Check(Libc.chmod(Libc.Path(path), kept)); });
        if (hasMtime)
            notes.Attempt("times", delegate
            {
                Libc.Check(Libc.utimensat(Libc.CurrentDirectory, Libc.Path(path), Libc.Times(mtime), Libc.LinkItself));
            });
    }

    public override void AddExecute(string path, int bits, Notes notes)
    {
        int mode = Look(path).Mode | bits & Libc.Execute;
        notes.Attempt("mode", delegate { Libc.Check(Libc.chmod(Libc.Path(path), mode)); });
    }

    public override string ReadLink(string path)
    {
        byte[] made = new byte[8192];
        long length = (long)Libc.readlink(Libc.Path(path), made, new IntPtr(made.Length));
        if (length < 0) throw Libc.Error();
        return Encoding.UTF8.GetString(made, 0, (int)length);
    }

    public override void MakeLink(string target, string path)
    {
        Libc.Check(Libc.symlink(Libc.Path(target), Libc.Path(path)));
    }

    public override List<string> Temporaries(string directory)
    {
        List<string> found = new List<string>();
        try
        {
            foreach (string path in Directory.GetFileSystemEntries(directory, ".guestwire-*"))
                found.Add(Path.GetFileName(path));
        }
        catch (Exception error) { Log.Debug("looking for orphans: " + error.Message); }
        return found;
    }

    /// <summary>struct statvfs: fragment size at 8, blocks 16, free 24, free for others 32.</summary>
    public override long FreeBytes(string directory)
    {
        byte[] facts = new byte[256];
        if (Libc.statvfs(Libc.Path(directory), facts) < 0 || BitConverter.ToInt64(facts, 16) == 0) return -1;
        return BitConverter.ToInt64(facts, 8) * BitConverter.ToInt64(facts, Libc.geteuid() == 0 ? 24 : 32);
    }

    public override bool IsForeign(string directory)
    {
        byte[] stat = new byte[256];
        return Libc.lstat(Libc.Path(directory), stat) == 0 && Libc.UserOf(stat) != Libc.geteuid()
            && (Libc.ReadStat(stat).Mode & Libc.Sticky) == 0;
    }

    public override void FlushDirectory(string directory)
    {
        int fd = Libc.open(Libc.Path(directory), Libc.Directory | Libc.CloseOnExec, 0);
        if (fd < 0) return;
        Libc.fsync(fd);
        Libc.close(fd);
    }

    public override string PortName(string name) { return name; }

    public override string DeviceKind(string port)
    {
        string real = Libc.RealPath(port) ?? port, name = Path.GetFileName(real);
        if (name.StartsWith("vport", StringComparison.Ordinal)) return "channel";
        if (name.StartsWith("hvc", StringComparison.Ordinal)) return "console";
        if (real.StartsWith("/dev/pts/", StringComparison.Ordinal)) return "pty";
        bool isTty = name.StartsWith("tty", StringComparison.Ordinal) && name.Length > 4;
        return isTty && char.IsDigit(name[name.Length - 1]) ? "uart" : "other";
    }

    public override Device OpenPort(string port, int speed) { return new PosixDevice(port, DeviceKind(port)); }

    public override List<string> FindPorts()
    {
        List<string> found = new List<string>();
        string channel = "/dev/virtio-ports/org.guestwire.0";
        if (File.Exists(channel)) found.Add(channel);
        return found;                       // receiver.py looks for more
    }

    public override void OnStop(Job stop)
    {
        Console.CancelKeyPress += delegate(object sender, ConsoleCancelEventArgs key)
        {
            key.Cancel = true;
            stop();
        };
        // SIGTERM, until .NET 10: .NET calls this and exits when it returns
        AppDomain.CurrentDomain.ProcessExit += delegate { stop(); Engine.AwaitEnd(4000); };
    }
}

}
