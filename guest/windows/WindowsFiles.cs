using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using Microsoft.Win32.SafeHandles;

namespace Guestwire
{

partial class WindowsPlatform
{
    public override Facts Look(string path)
    {
        if (path == "NUL")
        {
            Facts device = new Facts();
            device.Kind = "device";
            return device;
        }
        Win32.FileInformation found;
        try
        {
            using (SafeFileHandle handle = Win32.Open(Long(path), Win32.ReadAttributes, Win32.ShareAll, Win32.OpenExisting,
                                                      Win32.Backup | Win32.OpenReparsePoint))
            {
                Win32.Check(Win32.GetFileInformationByHandle(handle, out found));
            }
        }
        catch (SystemError error)
        {
            if (error.Code == "no-directory") return null;
            throw;
        }
        Facts facts = WindowsFile.FactsOf(found);
        if ((found.Attributes & Win32.IsReparsePoint) != 0 && IsLink(path)) facts.Kind = "symlink";
        return facts;
    }

    /// <summary>Reparse points of other kinds are files in the cloud, deduplicated ones and the like.</summary>
    static bool IsLink(string path)
    {
        Win32.FindData found;
        using (SafeFindHandle find = Win32.FindFirstFileW(Long(path), out found))
            return !find.IsInvalid && (found.Tag == Win32.TagLink || found.Tag == Win32.TagMountPoint);
    }

    public override OpenFile Create(string path)
    {
        return new WindowsFile(Win32.Open(Long(path), Win32.GenericRead | Win32.GenericWrite, Win32.ShareDelete,
                                          Win32.CreateNew, Win32.Normal));
    }

    public override OpenFile Open(string path, bool exclusively)
    {
        uint access = Win32.GenericRead | (exclusively ? Win32.GenericWrite : 0);
        // delete access is what it takes to rename it while it is open
        return new WindowsFile(Win32.Open(Long(path), access, exclusively ? Win32.ShareDelete : Win32.ShareAll,
                                          Win32.OpenExisting, Win32.Normal | Win32.OpenReparsePoint));
    }

    public override OpenFile OpenDevice(string path)
    {
        return new WindowsFile(Win32.Open(Long(path), Win32.GenericWrite, Win32.ShareAll, Win32.OpenExisting, 0));
    }

    public override bool MayWrite(string path)
    {
        if ((Win32.AttributesOf(Long(path)) & Win32.IsReadOnly) != 0) return false;
        try { OpenToOverwrite(path).Close(); }
        catch (SystemError) { return false; }
        return true;
    }

    public override OpenFile OpenToOverwrite(string path)
    {
        return new WindowsFile(Win32.Open(Long(path), Win32.GenericWrite, Win32.ShareRead, Win32.OpenExisting,
                                          Win32.Normal | Win32.OpenReparsePoint));
    }

    public override OpenFile CreateSpool(long size)
    {
        string folder = Path.GetTempPath().TrimEnd('\\');
        long free = FreeBytes(folder);
        if (free >= 0 && size > free) throw new SystemError("no-space", "ERROR_DISK_FULL", "no room for a temporary file", false);
        return new WindowsFile(Win32.Open(Long(Join(folder, Names.Temporary())), Win32.GenericRead | Win32.GenericWrite, 0,
                                          Win32.CreateNew, Win32.DeleteOnClose));
    }

    public override void Rename(string from, string to) { Win32.Check(Win32.MoveFileExW(Long(from), Long(to), 0)); }

    /// <summary>MoveFileEx is one operation of the file system: at any time either the old or the new file has the name.
    /// ReplaceFile can stop half-way and leave the old one under another name.</summary>
    public override void Replace(string from, string to)
    {
        // a virus scanner or the indexer may have opened either for a moment
        for (int attempt = 1; !Win32.MoveFileExW(Long(from), Long(to), Win32.MoveReplace | Win32.MoveWriteThrough); attempt++)
        {
            SystemError error = Win32.Error();
            if (error.Code != "sharing" && error.Code != "permission") throw error;
            try
            {
                CheckReplaceable(to);
                // we may delete it, and yet not replace it: somebody has it open
                error = Win32.Error(Win32.SharingViolation);
            }
            catch (SystemError cause) { error = cause; }
            if (error.Code != "sharing" || attempt == 10) throw error;
            Thread.Sleep(200);
        }
    }

    public override bool MoveNew(string from, string to)
    {
        for (int attempt = 1; !Win32.MoveFileExW(Long(from), Long(to), Win32.MoveWriteThrough); attempt++)
        {
            int number = Marshal.GetLastWin32Error();
            if (number == Win32.AlreadyExists || number == Win32.FileExists) return false;
            if (number != Win32.SharingViolation || attempt == 10) throw Win32.Error(number);
            Thread.Sleep(200);
        }
        return true;
    }

    /// <summary>Finds a file in use or read-only before the host has sent all of the new one.</summary>
    public override void CheckReplaceable(string path)
    {
        Win32.FindData found;
        using (SafeFindHandle find = Win32.FindFirstFileW(Long(path), out found))
        {
            if (!find.IsInvalid && (found.Attributes & Win32.IsReadOnly) != 0)
                throw new SystemError("permission", "ERROR_ACCESS_DENIED", "the file is read-only", false);
        }
        Win32.Open(Long(path), Win32.DeleteAccess, Win32.ShareAll, Win32.OpenExisting, Win32.OpenReparsePoint).Close();
    }

    public override void Delete(string path) { Win32.Check(Win32.DeleteFileW(Long(path))); }

    /// <summary>Opens it unshared, which fails while a receiver has it open.</summary>
    public override bool DeleteUnused(string path)
    {
        try
        {
            Win32.Open(Long(path), Win32.DeleteAccess, 0, Win32.OpenExisting,
                       Win32.OpenReparsePoint | Win32.DeleteOnClose).Close();
            return true;
        }
        catch (SystemError) { return false; }
    }

    public override bool MakeDirectory(string path)
    {
        if (Win32.CreateDirectoryW(Long(path), IntPtr.Zero)) return true;
        if (Marshal.GetLastWin32Error() == Win32.AlreadyExists) return false;
        throw Win32.Error();
    }

    public override void SetAttributes(string path, int mode, bool hasMtime, long mtime, Notes notes)
    {
        if (!hasMtime) return;
        notes.Attempt("times", delegate
        {
            using (SafeFileHandle handle = Win32.Open(Long(path), Win32.WriteAttributes, Win32.ShareAll, Win32.OpenExisting,
                                                      Win32.Backup | Win32.OpenReparsePoint))
                Win32.SetTime(handle, mtime, notes);
        });
    }

    public override void AddExecute(string path, int bits, Notes notes) { }

    /// <summary>REPARSE_DATA_BUFFER: the print name's offset and length are at
    /// 12 and 14, the names at 20 for a link, at 16 for a mount point.</summary>
    public override string ReadLink(string path)
    {
        byte[] made = new byte[16384];
        int size;
        using (SafeFileHandle handle = Win32.Open(Long(path), Win32.ReadAttributes, Win32.ShareAll, Win32.OpenExisting,
                                                  Win32.Backup | Win32.OpenReparsePoint))
        {
            Win32.Check(Win32.DeviceIoControl(handle, Win32.GetReparsePoint, IntPtr.Zero, 0, made, made.Length,
                                              out size, IntPtr.Zero));
        }
        int names = BitConverter.ToUInt32(made, 0) == Win32.TagLink ? 20 : 16;
        int offset = names + BitConverter.ToUInt16(made, 12), length = BitConverter.ToUInt16(made, 14);
        if (length == 0)
        {
            offset = names + BitConverter.ToUInt16(made, 8);
            length = BitConverter.ToUInt16(made, 10);
        }
        if (offset + length > size) throw Win32.Error(Win32.NotAReparsePoint);
        string target = Encoding.Unicode.GetString(made, offset, length);
        return target.StartsWith("\\??\\", StringComparison.Ordinal) ? target.Substring(4) : target;
    }

    public override void MakeLink(string target, string path)
    {
        target = target.Replace('/', '\\');
        string whole = IsAbsolute(target) ? target : Join(path.Substring(0, path.LastIndexOf('\\') + 1), target);
        Facts found = null;
        try { found = Look(whole); }
        catch (SystemError) { }             // then it is a link to a file, as one to nothing is
        bool toDirectory = found != null && found.Kind == "directory";
        uint flags = Win32.LinkUnprivileged | (toDirectory ? Win32.LinkToDirectory : 0);
        if (Win32.CreateSymbolicLinkW(Long(path), target, flags) == 0) throw Win32.Error();
    }

    public override List<string> Temporaries(string directory)
    {
        List<string> names = new List<string>();
        Win32.FindData found;
        using (SafeFindHandle find = Win32.FindFirstFileW(Long(Join(directory, ".guestwire-*")), out found))
        {
            if (find.IsInvalid) return names;
            do
            {
                if ((found.Attributes & (Win32.IsDirectory | Win32.IsReparsePoint)) == 0) names.Add(found.Name);
            }
            while (Win32.FindNextFileW(find, out found));
        }
        return names;
    }

    public override long FreeBytes(string directory)
    {
        long free, total, all;
        return Win32.GetDiskFreeSpaceExW(Long(directory) + "\\", out free, out total, out all) ? free : -1;
    }

    public override void FlushDirectory(string directory) { }      // the rename was written through

    public override bool IsForeign(string directory) { return false; }  // what is made there has its rights

    /// <summary>Owner and group only with the privilege to give files away.</summary>
    public static void TakeOver(string own, string old, Notes notes)
    {
        own = Long(own);
        old = Long(old);
        uint kept = Win32.AttributesOf(old) & (Win32.IsHidden | Win32.IsSystem);
        if (kept != 0) notes.Attempt("mode", delegate { Win32.Check(Win32.SetFileAttributesW(own, kept)); });
        TakeSecurity(own, old, Win32.SecurityOwner | Win32.SecurityGroup, "owner", notes);
        TakeSecurity(own, old, Win32.SecurityList, "acl", notes);
    }

    static void TakeSecurity(string own, string old, uint what, string note, Notes notes)
    {
        notes.Attempt(note, delegate
        {
            byte[] wanted = Win32.SecurityOf(old, what), there = Win32.SecurityOf(own, what);
            if (Sha256.Hex(wanted) != Sha256.Hex(there)) Win32.Check(Win32.SetFileSecurityW(own, what, wanted));
        });
    }
}

}
