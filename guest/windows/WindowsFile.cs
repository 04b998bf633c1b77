using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Guestwire
{

class WindowsFile : OpenFile
{
    readonly SafeFileHandle _handle;

    public WindowsFile(SafeFileHandle handle) { _handle = handle; }

    int Transfer(bool reading, byte[] data, int offset, int count)
    {
        GCHandle pinned = GCHandle.Alloc(data, GCHandleType.Pinned);
        try
        {
            IntPtr at = new IntPtr(pinned.AddrOfPinnedObject().ToInt64() + offset);
            int done;
            Win32.Check(reading ? Win32.ReadFile(_handle, at, count, out done, IntPtr.Zero)
                                : Win32.WriteFile(_handle, at, count, out done, IntPtr.Zero));
            return done;
        }
        finally { pinned.Free(); }
    }

    public override int Read(byte[] data, int offset, int count) { return Transfer(true, data, offset, count); }

    public override void Write(byte[] data, int offset, int count)
    {
        while (count > 0)
        {
            int done = Transfer(false, data, offset, count);
            offset += done;
            count -= done;
        }
    }

    public override void Seek(long position)
    {
        Win32.Check(Win32.SetFilePointerEx(_handle, position, IntPtr.Zero, Win32.FromStart));
    }

    public override void Truncate()
    {
        Seek(0);
        Win32.Check(Win32.SetEndOfFile(_handle));
    }

    public override void Reserve(long size)
    {
        long there = Look().Size;
        if (size <= there) return;
        Seek(size);
        try { CutOff(); }
        catch (SystemError)
        {
            Seek(there);
            CutOff();
            throw;
        }
        Seek(0);
    }

    public override void CutOff() { Win32.Check(Win32.SetEndOfFile(_handle)); }

    public override void Flush() { Win32.Check(Win32.FlushFileBuffers(_handle)); }

    public override void SetMode(int mode, Notes notes) { }

    public override void SetTime(long mtime, Notes notes) { Win32.SetTime(_handle, mtime, notes); }

    public override void TakeOver(string own, string old, int execute, Notes notes) { WindowsPlatform.TakeOver(own, old, notes); }

    public override Facts Look()
    {
        Win32.FileInformation found;
        Win32.Check(Win32.GetFileInformationByHandle(_handle, out found));
        Facts facts = FactsOf(found);
        if (facts.Kind == "file" && (found.Attributes & Win32.IsReparsePoint) != 0) facts.Kind = "special";
        return facts;
    }

    /// <summary>Without a look at reparse points.</summary>
    public static Facts FactsOf(Win32.FileInformation found)
    {
        Facts facts = new Facts();
        facts.Kind = (found.Attributes & Win32.IsDirectory) != 0 ? "directory" : "file";
        facts.Size = (long)found.SizeHigh << 32 | found.SizeLow;
        facts.Mtime = Win32.ToUnix(found.Written);
        facts.Number = (ulong)found.IndexHigh << 32 | found.IndexLow;
        facts.OnlyLink = found.Links == 1;
        return facts;
    }

    public override void Close() { _handle.Close(); }
}

}
